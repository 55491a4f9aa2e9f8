import { type TextOption, text } from './option.ts'

/** How `tp serve` and `tp run` run a model: by a plan, or with a guard. */
export const runOptions: Readonly<Record<'plan' | 'guard' | 'against', TextOption>> = {
  plan: text('FILE', 'a plan (of tp optimize, regimes and cascade included) by which the dense model is pruned first', {
    reads: 'file',
  }),
  guard: text(
    'GUARD',
    'a guard of tp calibrate or tp optimize --cascade; uncertain answers fall back to the model of --against',
    {
      reads: 'file',
      needs: ['against'],
      excludes: ['plan'],
      because: '--guard is of a pruned file, and --plan prunes a dense one',
    },
  ),
  against: text('DENSE', 'the dense model, with --guard', { reads: 'model', needs: ['guard'] }),
}

export const runtimeOption: Readonly<Record<'runtime', TextOption>> = {
  runtime: text(
    'RUNTIME',
    'node, native, web or a module; default node; web: wasm in Node; native: @tp/runtime-native; MODULE: path or package with a runtime',
    { reads: 'module', words: ['node', 'native', 'web'] },
  ),
}
