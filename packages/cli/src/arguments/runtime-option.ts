import { type TextOption, text } from './option.ts'

export const runtimeOption: Readonly<Record<'runtime', TextOption>> = {
  runtime: text(
    'node|native|web|MODULE',
    'web: wasm in Node; native: @tp/runtime-native; MODULE: path or package with a runtime; default node',
    { reads: 'module' },
  ),
}
