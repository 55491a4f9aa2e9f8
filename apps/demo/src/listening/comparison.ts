import { batch, type Signal, signal } from '@preact/signals'
import { problemText } from '../page/problem-text.ts'
import { type Listener, openListener } from './listener.ts'
import type { Heard, ListenerSource, Side } from './protocol.ts'

type Stage = 'empty' | 'opening' | 'open' | Side

/** One Whisper model at work, dense and pruned in turn on the same sound. */
export interface Listening {
  /** The current activity: a side while it listens. */
  readonly stage: Signal<Stage>
  readonly problem: Signal<string | undefined>
  readonly listener: Signal<Listener | undefined>
  readonly heard: Signal<Partial<Readonly<Record<Side, Heard>>>>
  open(source: ListenerSource): Promise<void>
  /** @param samples 16,000 a second */
  listen(samples: Float32Array): Promise<void>
}

export function comparison(): Listening {
  const stage = signal<Stage>('empty')
  const problem = signal<string | undefined>(undefined)
  const listener = signal<Listener | undefined>(undefined)
  const heard = signal<Listening['heard']['value']>({})

  async function doing(step: Stage, after: Stage, task: () => Promise<void>): Promise<void> {
    if (stage.value !== 'empty' && stage.value !== 'open') return
    const before = stage.value
    batch(() => {
      stage.value = step
      problem.value = undefined
    })
    try {
      await task()
      stage.value = after
    } catch (error) {
      batch(() => {
        problem.value = problemText(error)
        stage.value = step === 'opening' && listener.value === undefined ? 'empty' : before
      })
    }
  }

  return {
    stage,
    problem,
    listener,
    heard,
    open: (source) =>
      doing('opening', 'open', async () => {
        listener.value?.end()
        listener.value = undefined
        heard.value = {}
        listener.value = await openListener(source)
      }),
    listen: (samples) =>
      doing('dense', 'open', async () => {
        heard.value = {}
        for (const side of ['dense', 'pruned'] as const) {
          stage.value = side
          const own = await listener.value?.listen(side, samples)
          if (own !== undefined) heard.value = { ...heard.value, [side]: own }
        }
      }),
  }
}
