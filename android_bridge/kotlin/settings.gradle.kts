// For real use. Not run where this was written: Google's and Maven's repositories were out of reach (see docs/android.md).
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "edge-llm"
include(":edgellm", ":edgellm-android", ":chat-sample")
