import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { Plan } from '@tp/compiler'
import { throwIfAborted } from '@tp/core/runtime'
import { openMemory } from '../engine/accuracy.ts'
import { type Content, isEmpty } from '../inputs/content.ts'
import { keepFiles } from '../offline/keep-files.ts'
import { problemText } from '../page/problem-text.ts'
import { watchArithmetic } from './arithmetic.ts'
import type { WorkbenchFindings, WorkbenchStage } from './findings.ts'
import type { ModelSource } from './model-source.ts'
import { openModel } from './open-model.ts'
import { planOf, type WorkbenchSettings } from './settings.ts'
import { answer, measure, time } from './steps.ts'

type Readable<S> = { readonly [K in keyof S]: S[K] extends Signal<infer T> ? ReadonlySignal<T> : never }

/** One model, dense and pruned. Every new setting or input ends what is under way and starts over. */
export interface Workbench extends Readable<WorkbenchFindings> {
  readonly source: ModelSource
  readonly settings: Signal<WorkbenchSettings>
  readonly content: Signal<Content | undefined>
  /** The settings, as a plan for this model. */
  readonly plan: ReadonlySignal<Plan>
  /** Stops timing and measuring. */
  stop(): void
  /** Times and measures once more. */
  again(): void
  /** Gives everything back. */
  end(): void
}

/** Not for long where nothing is painted: in a tab that nobody sees. */
const PAINTING_MS = 200

/** Until what has changed is on the screen, so that what follows does not hold it up. */
function painted(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve))
    setTimeout(resolve, PAINTING_MS)
  })
}

/** A slider on its way and a person who types come to rest first. */
const REST_MS = 150

export function openWorkbench(
  source: ModelSource,
  settings: Signal<WorkbenchSettings>,
  content: Signal<Content | undefined>,
): Workbench {
  const found: WorkbenchFindings = {
    stage: signal<WorkbenchStage>('opening'),
    inspection: signal(undefined),
    inputs: signal(undefined),
    refusal: signal(undefined),
    result: signal(undefined),
    file: signal(undefined),
    arithmetic: signal(undefined),
    times: signal(undefined),
    accuracy: signal(undefined),
    problem: signal(undefined),
  }
  const plan = computed(() => planOf(settings.value, found.inspection.value))
  const memory = openMemory()
  const life = new AbortController()
  let current = new AbortController()
  const opening = openModel(source, life.signal)
  // A failure is reported by the work that waits for the model, which may begin later.
  opening.catch(() => {})

  async function work(signal: AbortSignal): Promise<void> {
    const model = await opening
    throwIfAborted(signal, 'demo')
    if (!model.ok) {
      batch(() => {
        found.refusal.value = model.refusal
        found.stage.value = 'refused'
      })
      return
    }
    batch(() => {
      found.inspection.value = model.inspection
      found.inputs.value = model.known
    })
    const input = content.value
    if (input === undefined || isEmpty(input)) {
      batch(() => {
        found.result.value = undefined
        found.stage.value = 'waiting'
      })
      found.file.value = await model.write(plan.value, signal)
      return
    }
    await answer(model, plan.value, input, found, signal)
    await painted()
    throwIfAborted(signal, 'demo')
    void keepFiles()
    const pruned = await time(model, plan.value, found, signal)
    await measure(model, source, pruned, memory, found, signal)
    found.stage.value = 'done'
  }

  function restart(): void {
    current.abort()
    current = new AbortController()
    const { signal } = current
    setTimeout(() => work(signal).catch((error: unknown) => fail(error, signal)), REST_MS)
  }

  function fail(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return
    batch(() => {
      found.problem.value = problemText(error)
      found.stage.value = 'failed'
    })
  }

  const unwatch = [
    effect(() => {
      void settings.value
      void content.value
      // Measured of another setting or input.
      found.times.value = undefined
      restart()
    }),
    effect(() => {
      void settings.value
      found.accuracy.value = undefined
    }),
    watchArithmetic(opening, plan, found),
  ]

  return {
    source,
    settings,
    content,
    plan,
    ...found,
    stop() {
      current.abort()
      found.stage.value = 'done'
    },
    again: restart,
    end() {
      for (const stop of unwatch) stop()
      life.abort()
      current.abort()
      opening.then((model) => model.ok && model.end()).catch(() => {})
    },
  }
}
