plugins {
    kotlin("jvm")
}

kotlin {
    jvmToolchain(17)
    sourceSets["main"].kotlin.setSrcDirs(listOf("src"))
}

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-core:1.10.2")
    // ai.onnxruntime's classes for the compiler; an app brings onnxruntime-android, a desktop program onnxruntime
    compileOnly("com.microsoft.onnxruntime:onnxruntime:1.23.2")
}
