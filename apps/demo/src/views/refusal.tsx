import type { Refusal as Reason } from '@tp/compiler'
import type { JSX } from 'preact'

/** Why a model cannot be pruned. */
export function Refusal({ title, refusal }: { readonly title: string; readonly refusal: Reason }): JSX.Element {
  return (
    <section class="card refusal" role="alert">
      <h2>{title}</h2>
      <p>
        {refusal.message}
        {refusal.node && (
          <>
            {' '}
            (at <code>{refusal.node}</code>)
          </>
        )}
        .
      </p>
      <p class="note">
        Tokens can be pruned from encoders that pass a row for every token from layer to layer: BERT, ViT, Whisper's
        encoder and their kin. <code>{refusal.code}</code>
      </p>
    </section>
  )
}
