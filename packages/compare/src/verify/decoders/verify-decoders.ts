import { type DecoderInspection, inspectDecoder, prunePrompt, readPrunedPrompt, transform } from '@tp/compiler'
import type { Session } from '@tp/core/runtime'
import { Graph, type Model } from '@tp/onnx'
import { roundsToBytes } from '../compare-answers.ts'
import type { PruningMethod } from '../keeping-all.ts'
import { type Arrangement, arrangements } from '../trials.ts'
import type { Verification } from '../verification.ts'
import { decoderDistances } from './decoder-distances.ts'
import type { ModelPair } from './model-pair.ts'
import { arrangementOf, promptTrials } from './prompt-runs.ts'
import { type DecoderVerifyOptions, verifyDecoder, verifyPromptRuns } from './verify-decoder.ts'
import { EXAMPLES as PRESSED, verifyPress } from './verify-press.ts'
import { type StatesToRead, verifyStates } from './verify-states.ts'
import { verifyWeights } from './verify-weights.ts'

interface DecodersToVerify extends Omit<ModelPair, 'changed'> {
  /** The changed decoder … */
  readonly model: Model
  /** … and how it is loaded. */
  changed(): Promise<Session>
  /** Loads a model that is made for the comparison. */
  open(model: Model): Promise<Session>
  readonly methods: readonly PruningMethod[]
  readonly states: StatesToRead | undefined
  readonly budget: number
}

/**
 * Verifies a changed decoder, or the model that compresses its caches, on random prompts and tokens after them.
 * @returns undefined where the source has no caches, and reads no states of an encoder
 * @throws TpError TP_VERIFY, TP_DENSE, TP_INPUT
 */
export async function verifyDecoders(options: DecodersToVerify): Promise<Verification | undefined> {
  const { source, model, states, changed, methods, open } = options
  const pair = async (): Promise<ModelPair> => ({ ...options, changed: await changed() })
  if (states !== undefined) {
    const found = { ...(await pair()), ...states }
    const difference =
      states.norm === undefined
        ? await verifyStates(found)
        : await verifyWeights({ ...found, model, norm: states.norm })
    return { examples: 1, lengths: [], arrangements: ['alone'], difference }
  }
  const decoder = inspectDecoder(source)
  if (!decoder.ok) return undefined
  if (isPressOf(model, decoder)) {
    await verifyPress(await changed(), options.signal)
    return { examples: PRESSED, lengths: [], arrangements: ['alone', 'in a batch'], difference: 0 }
  }
  const own = inspectDecoder(model)
  const hasRoundedCaches = own.ok && own.caches.some(({ keys }) => keys.scale !== undefined)
  const loaded = { ...(await pair()), decoder, budget: options.budget }
  if (hasRoundedCaches || (roundsToBytes(model) && !roundsToBytes(source))) {
    const distances = await decoderDistances({ ...loaded, model, ...(own.ok && { after: own }) })
    return { ...aboutPrompts(source, decoder, Object.keys(distances)), rounding: Math.max(...Object.values(distances)) }
  }
  const prompt = readPrunedPrompt(model)
  if (prompt === undefined) return { ...aboutPrompts(source, decoder), difference: await verifyDecoder(loaded) }
  await verifyPromptRuns(loaded)
  const method = methods.find((known) => known.method.name === prompt.method)?.method
  if (method === undefined) return aboutPrompts(source, decoder)
  const pruned = { method, layer: prompt.layer }
  // The prompts are short: without the least number of tokens some are pruned.
  const short = transform(source, prunePrompt({ ...pruned, amount: prompt.amount, leastTokens: 0 })).model
  await verifyPromptRuns({ ...loaded, changed: await open(short) })
  const whole = transform(source, prunePrompt({ ...pruned, amount: { kind: 'ratio', value: 1 } })).model
  const keeping: DecoderVerifyOptions = { ...loaded, changed: await open(whole), prunesPrompts: true }
  return { ...aboutPrompts(source, decoder), difference: await verifyDecoder(keeping) }
}

/** A model that compresses caches takes those that the decoder returns. */
function isPressOf(model: Model, { caches }: DecoderInspection): boolean {
  const presents = new Set(caches.flatMap(({ keys, values }) => [keys.present, values.present]))
  return new Graph(model).inputs.every(({ name }) => presents.has(name))
}

function aboutPrompts(
  source: Model,
  decoder: DecoderInspection,
  compared?: readonly string[],
): Pick<Verification, 'examples' | 'lengths' | 'arrangements'> {
  const prompts = promptTrials(source, decoder)
  const lengths = prompts.flatMap((own) => own.lengths)
  const seen = new Set<string>(compared ?? prompts.map(arrangementOf))
  return {
    examples: new Set(lengths).size,
    lengths: [...new Set(lengths)].toSorted((a, b) => a - b),
    arrangements: arrangements.filter((each: Arrangement) => seen.has(each)),
  }
}
