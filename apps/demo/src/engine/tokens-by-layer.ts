import type { TokenTrace } from './token-trace.ts'

/** Tokens that each layer of a run works on after its site. @param count those of the input */
export function tokensByLayer({ steps }: TokenTrace, layerCount: number, count: number): readonly number[] {
  let kept = count
  return Array.from({ length: layerCount }, (_, layer) => {
    kept = steps.find((step) => step.layer === layer)?.kept ?? kept
    return kept
  })
}
