plugins {
    id("com.android.application")
    kotlin("android")
}

android {
    namespace = "dev.edgellm.sample"
    compileSdk = 35
    defaultConfig {
        applicationId = "dev.edgellm.sample"
        minSdk = 26
        targetSdk = 35
        versionCode = 1
        versionName = "1"
        ndk { abiFilters += listOf("arm64-v8a", "x86_64") }
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
    androidResources { noCompress += listOf("onnx", "data", "json") } // weights do not shrink
    sourceSets["main"].apply {
        manifest.srcFile("AndroidManifest.xml")
        java.setSrcDirs(listOf("src"))
        assets.setSrcDirs(listOf("assets")) // edge-llm export MODEL -o chat-sample/assets/edgellm_model
    }
}

kotlin { jvmToolchain(17) }

dependencies {
    implementation(project(":edgellm-android"))
}
