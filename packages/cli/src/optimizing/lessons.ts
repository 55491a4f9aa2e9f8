import type { TrainedValues } from '@tp/compiler'
import { learnedBytes, readSafetensors } from '@tp/core/host'
import type { ModelFile } from '@tp/data'
import { loadSession } from '@tp/data/files'
import type { MethodToTeach } from '@tp/optimize'
import { nodeRuntime } from '@tp/runtime-node'
import { trainPlan } from '@tp/train'
import type { Context } from '../context/context.ts'

/** Keep ratio of a method while it learns, as where its recipe was measured; its values serve any other. */
const KEEP = 0.75

/** Teaches methods during a search, and keeps the values that they have learned, by name. */
export class Lessons {
  readonly #file: ModelFile
  readonly #context: Pick<Context, 'progress' | 'signal'>
  readonly #ranks: boolean
  readonly #learned = new Map<string, Uint8Array>()

  /** @param ranks whether the model gives scores to rank by */
  constructor(file: ModelFile, context: Pick<Context, 'progress' | 'signal'>, ranks: boolean) {
    this.#file = file
    this.#context = context
    this.#ranks = ranks
  }

  /** The values that a method has learned, as a safetensors file. */
  learnedBy(method: string): Uint8Array | undefined {
    return this.#learned.get(method)
  }

  /** The encoder's own weights do not change, and labels are not used. @throws as `trainPlan` */
  async teach({ entry, params, encoder, inputs, selection }: MethodToTeach): Promise<TrainedValues> {
    const { progress, signal } = this.#context
    progress.stage(`training ${entry.name} on ${inputs.targets.length.toLocaleString('en-US')} examples`)
    const { learned = new Map() } = await trainPlan({
      ...{
        dense: this.#file.model,
        source: this.#file.hash(),
        runtime: nodeRuntime(),
        methods: [entry],
        part: 'method',
      },
      plan: {
        ...{ format: 1, method: entry.name, keep: KEEP },
        ...(params && { params }),
        ...(encoder !== undefined && { encoder }),
      },
      ...{ inputs, selection, gives: this.#ranks ? 'score' : 'logits', settings: { distillation: 1, evaluations: 1 } },
      load: (model) => loadSession(nodeRuntime(), model, this.#file, { threads: 1, signal }),
      observer: { onWork: ({ done, total }) => progress.step(done, total) },
      signal,
    })
    const bytes = learnedBytes(learned)
    this.#learned.set(entry.name, bytes)
    return readSafetensors(bytes)
  }
}
