import { TpError } from '@tp/core'
import type { NamedTensors, Runtime, Session, TensorLike } from '@tp/core/runtime'
import { analyseFlips, evaluate, loadTokenizer } from '@tp/eval'
import { someExamples } from '@tp/eval/inputs'
import { trajectoriesOf } from '@tp/eval/metrics'
import { encodeModel } from '@tp/onnx'
import { prepare } from '../measure/prepare.ts'
import type { Subject } from '../measure/subject.ts'
import type { Setting } from '../registry/settings.ts'
import type { Trajectory, TrajectoryCell, TrajectoryValue } from './cell.ts'

/** Texts to be read have to be short, though not so short that nothing can be pruned. */
const WORDS = { least: 24, most: 90 }

/** Where each token of some examples is pruned, one example at a time. */
export async function measureTrajectories(
  runtime: Runtime,
  subject: Subject,
  { setting, examples, turned }: TrajectoryCell,
  tokenizer: string | undefined,
): Promise<TrajectoryValue> {
  const { inputs, lengths } = subject
  const pieces = tokenizer === undefined ? undefined : await loadTokenizer(tokenizer)
  const { model } = await prepare(subject, setting, { trace: true })
  await using dense = await runtime.load(subject.file, { threads: 1 })
  await using pruned = await runtime.load(encodeModel(model), { threads: 1 })
  const readable = [...lengths.keys()].filter((i) => {
    const length = lengths[i] as number
    return pieces === undefined || (length >= WORDS.least && length <= WORDS.most)
  })
  const trajectories: Trajectory[] = []
  const wrong = turned.find((position) => readable.includes(position))
  const others = spread(readable, examples).filter((position) => position !== wrong)
  for (const position of wrong === undefined ? others : [...others, wrong]) {
    const feeds = await inputs.feeds([position])
    const answers = [await probabilities(dense, feeds), await probabilities(pruned, feeds)] as const
    const [before, after] = answers
    const best = before.probabilities.indexOf(Math.max(...before.probabilities))
    const ids = inputs.lengths && feeds.input_ids?.data
    trajectories.push({
      label: inputs.targets[position] as number,
      dense: best,
      pruned: after.probabilities.indexOf(Math.max(...after.probabilities)),
      ...(pieces &&
        ids && { pieces: Array.from(ids as ArrayLike<bigint | number>, (id) => pieces.nameOf(Number(id))) }),
      ...(feeds.pixel_values && { brightness: brightnessOf(feeds.pixel_values, lengths[position] as number) }),
      prunedAt: prunedAt(after.outputs, lengths[position] as number),
      confidence: [before.probabilities[best] as number, after.probabilities[best] as number],
      ...(position === wrong && { turnsBack: await turningBack(runtime, subject, setting, position) }),
    })
  }
  return { examples: trajectories }
}

/** Tokens of an example that the pruned model answers otherwise: those of which each, if it were kept, would bring the answer back. */
async function turningBack(runtime: Runtime, subject: Subject, setting: Setting, position: number): Promise<number[]> {
  const inputs = someExamples(subject.inputs, [position])
  const load = async (extra: Parameters<typeof prepare>[2]): Promise<Session> =>
    runtime.load(encodeModel((await prepare(subject, setting, extra)).model), { threads: 1 })
  await using whole = await runtime.load(subject.file, { threads: 1 })
  await using traced = await load({ trace: true })
  await using protecting = await load({ protectInput: true })
  const [dense, pruned] = [await evaluate(whole, inputs), await evaluate(traced, inputs)]
  const tokens = subject.lengths[position] as number
  const { flips } = await analyseFlips(
    { traced, protecting },
    inputs,
    { dense, pruned },
    { tokens, inputTokens: tokens },
  )
  return flips.flatMap(({ tried }) => tried.flatMap(({ position: token, turnsBack }) => (turnsBack ? [token] : [])))
}

/** Evenly spread, so that not all are of the class that comes first. */
function spread(positions: readonly number[], count: number): number[] {
  const few = Math.min(count, positions.length)
  return Array.from({ length: few }, (_, i) => positions[Math.floor(((i + 0.5) * positions.length) / few)] as number)
}

/**
 * A square image in as many cells as it has patches in a row and a column, 0 to 1 from the darkest to the brightest;
 * nothing where the tokens without the class token make no square.
 */
function brightnessOf({ dims, data }: TensorLike, tokens: number): number[] {
  const side = Math.sqrt(tokens - 1)
  const size = dims.at(-1) as number
  if (!Number.isInteger(side) || !(data instanceof Float32Array) || dims.at(-2) !== size) return []
  const cells = Array.from({ length: side * side }, (_, cell) => {
    const [top, left] = [Math.floor(cell / side), cell % side].map((i) => Math.floor((i * size) / side)) as [
      number,
      number,
    ]
    const [bottom, right] = [Math.floor(cell / side), cell % side].map((i) => Math.ceil(((i + 1) * size) / side)) as [
      number,
      number,
    ]
    let sum = 0
    for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += data[y * size + x] as number
    return sum / ((bottom - top) * (right - left))
  })
  const [low, high] = [Math.min(...cells), Math.max(...cells)]
  return cells.map((cell) => Number(((cell - low) / (high - low || 1)).toFixed(2)))
}

function prunedAt(outputs: NamedTensors, length: number): number[] {
  const [ways = []] = trajectoriesOf(outputs, [length])
  return ways.map(({ prunedAt }) => prunedAt ?? -1)
}

async function probabilities(
  session: Session,
  feeds: NamedTensors,
): Promise<{ readonly probabilities: number[]; readonly outputs: NamedTensors }> {
  const outputs = await session.run(feeds)
  const { data } = outputs.logits ?? Object.values(outputs)[0] ?? {}
  if (!(data instanceof Float32Array))
    throw new TpError('TP_OUTPUT', 'benchmark', 'the model has no float32 output of logits')
  const highest = Math.max(...data)
  const weights = Array.from(data, (logit) => Math.exp(logit - highest))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return { probabilities: weights.map((weight) => weight / total), outputs }
}
