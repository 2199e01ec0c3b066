plugins {
    id("com.android.library")
    kotlin("android")
}

android {
    namespace = "dev.edgellm.android"
    compileSdk = 35
    defaultConfig { minSdk = 26 }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
    sourceSets["main"].java.setSrcDirs(listOf("src"))
}

kotlin { jvmToolchain(17) }

dependencies {
    api(project(":edgellm"))
    api("com.microsoft.onnxruntime:onnxruntime-android:1.23.2") // 8-bit products have had an arm64 kernel since 1.23
}
