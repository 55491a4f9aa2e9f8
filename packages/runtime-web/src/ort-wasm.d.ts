// onnxruntime-web declares its types under its own names only; this is the name that package.json's "imports" give it.
declare module '#ort-wasm' {
  // biome-ignore lint/performance/noReExportAll: the same module under another name
  export * from 'onnxruntime-web'
}
