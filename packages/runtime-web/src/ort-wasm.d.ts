// onnxruntime-web declares its types under its own names only; this is the name that package.json's "imports" give it.
declare module '#ort-wasm' {
  export * from 'onnxruntime-web'
}
