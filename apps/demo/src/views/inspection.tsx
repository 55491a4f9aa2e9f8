import type { Inspection } from '@tp/compiler'
import type { JSX } from 'preact'

/** The findings about a model, in words. */
export function InspectionCard({
  name,
  inspection,
}: {
  readonly name: string
  readonly inspection: Inspection
}): JSX.Element {
  return (
    <section class="card inspection" aria-labelledby="inspection-title">
      <h2 id="inspection-title">Inside {name}.onnx</h2>
      <ul>
        {factsOf(inspection).map((fact) => (
          <li key={fact}>{fact}</li>
        ))}
      </ul>
    </section>
  )
}

function factsOf(found: Inspection): string[] {
  const {
    layers,
    hidden,
    heads,
    tokens,
    mask,
    protectedTokens,
    classToken,
    tokenOutputs,
    unfusing,
    encoders,
    pruned,
    padded,
  } = found
  const last = layers.length
  return [
    `An encoder of ${last} layers, ${hidden} numbers wide, with ${heads} attention ${heads === 1 ? 'head' : 'heads'}.`,
    typeof tokens === 'number' ? `It always has ${tokens} tokens.` : 'How many tokens it has follows from its input.',
    ...(classToken === undefined
      ? []
      : [`Its answer is read from the token at position ${classToken}, which is always kept.`]),
    ...(protectedTokens.length > 1 ? [`The tokens at ${protectedTokens.join(', ')} are always kept.`] : []),
    ...(mask !== undefined
      ? [`"${mask}" tells real tokens from padding.`]
      : padded
        ? ['Some tokens may be padding.']
        : []),
    ...(tokenOutputs.length > 0
      ? [`${tokenOutputs.join(', ')}: a row for every token; pruned tokens are restored for it.`]
      : []),
    ...(encoders.length > 1
      ? [`The file holds ${encoders.length} encoders: ${encoders.map(({ name }) => name).join(', ')}.`]
      : []),
    ...(pruned.length > 0 ? ['It has been pruned before.'] : []),
    ...(unfusing === undefined ? [] : [`${unfusing}.`]),
  ]
}
