export const runtimeOption = {
  runtime: {
    type: 'string',
    value: 'node|native|web|MODULE',
    reads: 'module',
    description: 'web: wasm in Node; native: @tp/runtime-native; MODULE: path or package with a runtime; default node',
  },
} as const
