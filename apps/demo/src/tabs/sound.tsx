import { effect, signal, untracked } from '@preact/signals'
import type { ModelReport } from '@tp/transformers'
import type { JSX } from 'preact'
import type { Content } from '../inputs/content.ts'
import { SoundInput } from '../inputs/sound/sound-input.tsx'
import { comparison } from '../listening/comparison.ts'
import { ModelChoice } from '../views/listening/model-choice.tsx'
import { Transcripts } from '../views/listening/transcripts.tsx'

const RATE = 16_000
/** The seconds that Whisper hears at once. */
const WINDOW_S = 30

const whisper = comparison()
const content = signal<Content | undefined>(undefined)

let last: readonly unknown[] = []

function listen(): void {
  if (content.value?.kind !== 'sound') return
  last = [content.value, whisper.listener.value]
  void whisper.listen(content.value.sound.samples.slice(0, WINDOW_S * RATE))
}

// A new sound is listened to at once, and the one that is there by a new model, as soon as nothing else is going on.
effect(() => {
  const now = [content.value, whisper.listener.value]
  const isNew = !now.includes(undefined) && now.some((part, i) => part !== last[i])
  if (whisper.stage.value === 'open' && isNew) untracked(listen)
})

export function Sound(): JSX.Element {
  const { stage, listener, problem } = whisper
  const busy = stage.value !== 'empty' && stage.value !== 'open'
  return (
    <>
      <p class="lead">
        Whisper always listens to half a minute: what you say, and then silence. Here it keeps the beginning of the
        silence and then one of every eight positions, which counts for all of them, and writes down the same words
        sooner. This page has no Whisper of its own: download one, or open a folder in the layout of transformers.js,
        then speak.
      </p>
      <div class="bench">
        <section class="card model" aria-labelledby="whisper-title">
          <h2 id="whisper-title">The model</h2>
          <ModelChoice disabled={busy} onSource={(source) => void whisper.open(source)} />
          {problem.value !== undefined && (
            <p class="problem" role="alert">
              {problem.value}
            </p>
          )}
          <output class="note">
            {stage.value === 'opening' ? 'It is being read …' : said(listener.value?.report)}
          </output>
        </section>
        <section class="card sound" aria-labelledby="sound-title">
          <h2 id="sound-title">The sound</h2>
          <SoundInput
            content={content}
            sampleRate={RATE}
            length={undefined}
            longest={WINDOW_S}
            note={`the first ${WINDOW_S} s are heard`}
          />
          <button
            type="button"
            class="main"
            disabled={busy || content.value === undefined || listener.value === undefined}
            onClick={listen}
          >
            Listen again
          </button>
        </section>
        <Transcripts comparison={whisper} />
      </div>
    </>
  )
}

function said(report: ModelReport | undefined): string {
  if (report === undefined) return ''
  if (report.outcome === 'refused') return `It runs as it is: ${report.reason} (${report.code}).`
  if (report.outcome === 'pruned before') return 'Its file was pruned before, and both sides run it as it is.'
  const layers = report.encoders.reduce((sum, { layerCount }) => sum + layerCount, 0)
  return `An encoder of ${layers} layers, and its decoder.`
}
