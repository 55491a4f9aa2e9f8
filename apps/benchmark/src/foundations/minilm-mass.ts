import { flopsFormula, keepForFlops, prune } from '@tp/compiler'
import { type Method, random, schedule, TpError } from '@tp/core'
import { compareToDense, type Evaluation, evaluate, type Interval } from '@tp/eval'
import { balanced, receivedAttention, valueAware } from '@tp/method-attention'
import { encodeModel, type Model } from '@tp/onnx'
import { evaluateFile, inParallel } from '../measure/parallel.ts'
import { stratifiedSample } from '../measure/sample.ts'
import type { Subject } from '../measure/subject.ts'
import { timeFiles } from '../measure/time-files.ts'
import { dense, totalFlops, withoutDeadTokens } from '../measure/variant.ts'
import { factor, plusMinus, points } from '../output/numbers.ts'
import { openMinilm } from './minilm.ts'
import { choose } from './minilm-choice.ts'
import type { Context, Section } from './section.ts'

/** The last block of a class-token model needs no cut: dead-token elimination does more. */
const LAYERS: readonly number[] = [1, 2, 3, 4]
const REVIEWS = 800
const methods: Readonly<Record<string, Method>> = {
  'received-attention': receivedAttention(),
  balanced: balanced(),
  'balanced (values)': balanced({ values: true }),
  'value-aware': valueAware(),
}
const masses: readonly number[] = [0.9, 0.85, 0.8, 0.75]

interface Candidate {
  readonly method: string
  readonly mass: number
  readonly loss: Interval
  readonly flops: number
}

/** A setting by cumulative mass: each text keeps as many tokens as its own scores ask for. */
interface Measured {
  readonly evaluation: Evaluation
  /** Multiply-adds of dense over those of the pruned model, for the tokens that texts really kept. */
  readonly flops: number
}

export const minilmMassChoice: Section = {
  name: 'minilm-mass-choice',
  title: 'minilm-sentiment: a budget by cumulative mass, chosen on calibration data',
  async run(context) {
    const subject = await openMinilm(context, ['imdb', 'calibration.tsv'], REVIEWS)
    const reference = await evaluateFile(context.runtime, dense(subject).file, subject.inputs)
    const settings = masses.flatMap((mass) => Object.keys(methods).map((method) => ({ method, mass })))
    const measured = await inParallel(
      settings.map(({ method, mass }, i) => async () => {
        const found = await measure(context, subject, methodOf(method), mass)
        context.onProgress(`${i + 1} of ${settings.length}`)
        return found
      }),
    )
    const candidates = settings.map((setting, i): Candidate => {
      const { evaluation, flops } = measured[i] as Measured
      return { ...setting, flops, loss: compareToDense(evaluation, reference).loss }
    })
    const { method, mass } = choose(candidates)
    return {
      tables: [
        {
          caption: `The first ${REVIEWS} reviews of imdb/calibration, blocks 1 to 4`,
          headings: ['method', 'mass', 'FLOPs', 'loss'],
          rows: candidates.map((c) => [c.method, `${c.mass}`, factor(c.flops), points(c.loss)]),
        },
      ],
      notes: [`Chosen by the same rule as the keep ratio: ${method}, mass ${mass}.`],
      values: { candidates, chosen: { method, mass } },
    }
  },
}

export const minilmMass: Section = {
  name: 'minilm-mass',
  title: 'minilm-sentiment on IMDB by cumulative mass: the chosen setting, reported once',
  async run(context) {
    const { runtime, onProgress, found } = context
    const values = found('minilm-mass-choice')?.values as { chosen: { method: string; mass: number } } | undefined
    if (values === undefined) throw new TpError('TP_OPTION', 'benchmark', 'run the section minilm-mass-choice first')
    const { method, mass } = values.chosen
    const subject = await openMinilm(context, ['imdb', 'test.tsv'])
    const reference = await evaluateFile(runtime, dense(subject).file, subject.inputs)
    onProgress('dense evaluated')
    const chosen = await measure(context, subject, methodOf(method), mass)
    onProgress('pruned evaluated')
    const controls = await inParallel(
      [0, 1, 2, 3, 4].map((seed) => () => randomAt(context, subject, chosen.flops, seed)),
    )
    const pruned = encodeModel(massModel(subject, methodOf(method), mass, false))
    const files = { dense: subject.file, none: withoutDeadTokens(subject).file, pruned }
    const examples = await Promise.all(stratifiedSample(subject.lengths, 48).map((i) => subject.inputs.feeds([i])))
    const { variants } = await timeFiles(runtime, files, examples, {
      rounds: 15,
      budgetMs: 120_000,
      onProgress: () => {},
    })
    const loss = compareToDense(chosen.evaluation, reference).loss
    const lost = controls.map((control) => compareToDense(control, reference).loss.estimate)
    const speed = variants.pruned?.speedup
    const row = (name: string, { evaluation, flops }: Measured, timed?: (typeof variants)[string]): string[] => [
      name,
      plusMinus(evaluation.accuracy),
      name === 'dense' ? '' : points(compareToDense(evaluation, reference).loss),
      factor(flops),
      timed === undefined ? '' : timed.p50Ms.toFixed(2),
      timed === undefined
        ? ''
        : `${factor(timed.speedup.value)} (${factor(timed.speedup.low)} … ${factor(timed.speedup.high)})`,
    ]
    return {
      tables: [
        {
          caption: `${subject.lengths.length} reviews at their own lengths, batch 1, one thread; mass ${mass} in blocks 1 to 4`,
          headings: ['method', 'accuracy', 'loss', 'FLOPs', 'p50 ms', 'speed-up'],
          rows: [
            row('dense', { evaluation: reference, flops: 1 }, variants.dense),
            row(method, chosen, variants.pruned),
            ...controls.map((evaluation, seed) =>
              row(`random (seed ${seed}, as many FLOPs)`, { evaluation, flops: chosen.flops }),
            ),
          ],
        },
      ],
      notes: [
        `${method}, mass ${mass}: loss ${points(loss)} points, ${factor(speed?.value ?? 0)} as fast as dense ` +
          `(dead-token elimination alone ${factor(variants.none?.speedup.value ?? 0)}), FLOPs ${factor(chosen.flops)}; ` +
          `random at as many FLOPs loses ${lost.map((points) => points.toFixed(1)).join(', ')} points.`,
      ],
      values: { chosen: values.chosen, loss, flops: chosen.flops, variants, random: lost },
    }
  },
}

function methodOf(name: string): Method {
  return methods[name] as Method
}

function massModel(subject: Subject, method: Method, mass: number, trace: boolean): Model {
  const result = prune(subject.model, { method, trace, schedule: schedule(subject.blocks, { mass, layers: LAYERS }) })
  if (!result.ok) throw new TpError(result.refusal.code, 'benchmark', result.refusal.message)
  return result.model
}

async function measure({ runtime }: Context, subject: Subject, method: Method, mass: number): Promise<Measured> {
  const model = massModel(subject, method, mass, true)
  await using session = await runtime.load(encodeModel(model), { threads: 1, worker: true })
  const evaluation = await evaluate(session, subject.inputs, { batchSize: 1, blocks: subject.blocks })
  const formula = flopsFormula(model)
  const fractions = evaluation.kept?.blocks ?? []
  const total = subject.lengths.reduce((sum, tokens) => {
    const kept = Object.fromEntries(LAYERS.map((block) => [block, Math.round(tokens * (fractions[block] ?? 1))]))
    return sum + formula({ batch: 1, tokens, kept })
  }, 0)
  return { evaluation, flops: totalFlops(subject.model, subject.lengths) / total }
}

async function randomAt({ runtime }: Context, subject: Subject, flops: number, seed: number): Promise<Evaluation> {
  const middle = [...subject.lengths].sort((a, b) => a - b)[subject.lengths.length >> 1] as number
  const method = random({ seed })
  const scheduleFor = (keep: number) => schedule(subject.blocks, { keep, layers: LAYERS })
  const keep = keepForFlops(subject.model, {
    method,
    share: 1 / flops,
    at: { batch: 1, tokens: middle },
    schedule: scheduleFor,
  })
  const result = prune(subject.model, { method, schedule: scheduleFor(keep) })
  if (!result.ok) throw new TpError(result.refusal.code, 'benchmark', result.refusal.message)
  return evaluateFile(runtime, encodeModel(result.model), subject.inputs)
}
