import type { JSX } from 'preact'
import { loading } from '../../loading/load-file.ts'
import { LoadProgress } from '../load-progress.tsx'

/** The text to be read, while the model that will read it is loading. */
export function OpeningRace({ text }: { readonly text: string }): JSX.Element {
  return (
    <div class="race" data-stage="opening">
      <section class="outcome" aria-label="The outcome" aria-busy="true">
        <output class="summary">The model and what runs it are loading, once.</output>
        {loading.value && <LoadProgress progress={loading.value} label="Loaded" />}
      </section>
      {(['dense', 'pruned'] as const).map((kind) => (
        <section key={kind} class={`lane ${kind}`} aria-hidden={kind === 'pruned'}>
          <h2>{kind === 'dense' ? 'Every token' : 'Pruned'}</h2>
          <p class="clock">
            – <small>ms</small>
          </p>
          <div class={kind === 'dense' ? 'whole' : 'shown'}>
            <div class="words">{text}</div>
          </div>
        </section>
      ))}
    </div>
  )
}
