{
  "variables": { "sanitize%": "" },
  "target_defaults": {
    "cflags": ["-O3", "-Wall", "-Wextra", "-fvisibility=hidden"],
    "cflags_cc": ["-std=gnu++17", "-fexceptions", "-Wno-psabi"],
    "cflags!": ["-fno-exceptions"],
    "cflags_cc!": ["-fno-exceptions", "-std=gnu++20", "-std=gnu++17"],
    "xcode_settings": {
      "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
      "CLANG_CXX_LANGUAGE_STANDARD": "gnu++17",
      "GCC_SYMBOLS_PRIVATE_EXTERN": "YES"
    },
    "conditions": [["sanitize!=''", {
      "cflags": ["-fsanitize=<(sanitize)", "-fno-omit-frame-pointer", "-fno-sanitize-recover=undefined", "-g", "-O1"],
      "ldflags": ["-fsanitize=<(sanitize)"]
    }]]
  },
  "targets": [
    {
      "target_name": "tp_native",
      "sources": [
        "native/addon.cc", "native/crew.cc", "native/ending.cc", "native/jobs.cc", "native/library.cc", "native/model.cc", "native/session.cc", "native/tensors.cc",
        "native/weight_files.cc", "<!@(node kernels.mjs baseline)"
      ],
      "include_dirs": ["<!(node kernels.mjs folder)", "<!@(node -p \"require('node-addon-api').include\")"],
      "defines": [
        "NAPI_VERSION=9", "NODE_ADDON_API_CPP_EXCEPTIONS_ALL", "NODE_ADDON_API_DISABLE_DEPRECATED",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
      ],
      "conditions": [
        # Never unloaded, also when the worker that loaded it ends: onnxruntime keeps pointers to the operators. And its parts of the
        # C++ library are its own: Node has others of the same names.
        ["OS=='linux'", { "ldflags": ["-Wl,-z,nodelete", "-Wl,--version-script=<(module_root_dir)/native/exports.map"] }],
        ["target_arch=='x64'", { "dependencies": ["attention_avx2", "attention_avx512", "attention_vnni"] }]
      ]
    }
  ],
  "conditions": [["target_arch=='x64'", { "targets": [
    {
      "target_name": "attention_avx2",
      "type": "static_library",
      "sources": ["<!@(node kernels.mjs avx2)"],
      "cflags": ["-mavx2", "-mfma", "-fPIC"],
      "xcode_settings": { "OTHER_CFLAGS": ["-mavx2", "-mfma"] }
    },
    {
      "target_name": "attention_avx512",
      "type": "static_library",
      "sources": ["<!@(node kernels.mjs avx512)"],
      "cflags": ["-mavx512f", "-mprefer-vector-width=512", "-fPIC"],
      "xcode_settings": { "OTHER_CFLAGS": ["-mavx512f"] }
    },
    {
      "target_name": "attention_vnni",
      "type": "static_library",
      "sources": ["<!@(node kernels.mjs vnni)"],
      "cflags": ["-mavx512bw", "-mavx512vnni", "-mprefer-vector-width=512", "-fPIC"],
      "xcode_settings": { "OTHER_CFLAGS": ["-mavx512bw", "-mavx512vnni"] }
    }
  ] }]]
}
