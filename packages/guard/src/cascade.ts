import { TpError } from '@tp/core'
import {
  type AnswerForm,
  type NamedTensors,
  openSession,
  type Session,
  type TensorLike,
  type ValueInfo,
} from '@tp/core/runtime'
import { answerOutput, isOwnOutput, logitRows, type Uncertainty, uncertaintyOf } from './answer.ts'
import { replaceRows, takeInputs, takeRows, tokenAxis } from './rows.ts'

export interface CascadeOptions {
  /** Both belong to the cascade from now on, which disposes of them. */
  readonly pruned: Session
  readonly dense: Session
  /** Inputs at least this uncertain fall back to the dense model; `null`: only those whose logits are not numbers. See `calibrateCascade`. */
  readonly threshold: number | null
  /** Default `probability`. */
  readonly uncertainty?: Uncertainty | undefined
  /** The form of the numbers in that output. Default `logits`. */
  readonly answerForm?: AnswerForm | undefined
  /** Name of the output with the logits. Default: `logits`, or the only float output [inputs, classes]. */
  readonly output?: string | undefined
  /** Name of the input [b,n] that says which tokens are real. Default `attention_mask`. */
  readonly mask?: string | undefined
  /** Called after every run. */
  readonly onRun?: ((run: CascadeRun) => void) | undefined
}

/** The outcome of one batch. */
export interface CascadeRun {
  readonly uncertainties: readonly number[]
  /** Rows that fell back, ascending. */
  readonly dense: readonly number[]
}

export interface CascadeStatistics {
  readonly runs: number
  readonly inputs: number
  /** Inputs that fell back. */
  readonly dense: number
}

/** A session that runs on two models. */
export interface Cascade extends Session {
  /** Since it was made, without what warms it up. */
  statistics(): CascadeStatistics
}

/**
 * A pruned model with the dense one as its fallback, as one session. Rows of a batch whose pruned answer is uncertain are gathered
 * and run dense as one smaller batch; their rows of all outputs are then the dense model's. They are cut to the longest of
 * them where no output has an axis of tokens. Outputs that pruning added (`tp.…`) are the pruned model's for all rows.
 *
 * @throws TpError TP_CASCADE if the models do not take and give the same, batch first; TP_OUTPUT without logits
 */
export function cascade(options: CascadeOptions): Cascade {
  const { pruned, dense, threshold, uncertainty = 'probability', answerForm, mask = 'attention_mask', onRun } = options
  requireAlike('input', pruned.inputs, dense.inputs)
  const own = pruned.outputs.filter(({ name }) => !isOwnOutput(name))
  requireAlike('output', own, dense.outputs)
  requireBatch([...pruned.inputs, ...own])
  const answers = answerOutput(pruned.outputs, options.output)
  const axis = tokenAxis(dense.inputs, dense.outputs, mask)
  const limit = threshold ?? Number.POSITIVE_INFINITY
  const wholeBatch = typeof dense.inputs[0]?.dims[0] === 'number'
  const counts = { runs: 0, inputs: 0, dense: 0 }

  /** Outputs of the dense model for some rows. A model of a fixed batch takes all of them. */
  async function runDense(inputs: NamedTensors, rows: readonly number[]): Promise<NamedTensors> {
    if (!wholeBatch) return dense.run(takeInputs(inputs, rows, axis))
    const outputs = await dense.run(inputs)
    return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, takeRows(tensor, rows)]))
  }

  const session = openSession('guard', {
    inputs: pruned.inputs,
    outputs: pruned.outputs,
    async run(inputs) {
      const outputs = await pruned.run(inputs)
      const uncertainties = logitRows(outputs, answers, answerForm).map((logits) => uncertaintyOf(logits, uncertainty))
      requireRows({ ...inputs, ...outputs }, uncertainties.length)
      const rows = uncertainties.flatMap((value, row) => (value >= limit ? [row] : []))
      counts.runs++
      counts.inputs += uncertainties.length
      counts.dense += rows.length
      const fallback = rows.length === 0 ? {} : await runDense(inputs, rows)
      onRun?.({ uncertainties, dense: rows })
      if (rows.length === 0) return outputs
      const replaced = own.map(({ name }) => [
        name,
        replaceRows(name, outputs[name] as TensorLike, fallback[name], rows),
      ])
      return { ...outputs, ...Object.fromEntries(replaced) }
    },
    async close() {
      await pruned.dispose()
      await dense.dispose()
    },
  })
  return Object.freeze<Cascade>({
    ...session,
    async warmUp(...inputs) {
      await pruned.warmUp(...inputs)
      await dense.warmUp(...inputs)
    },
    statistics: () => ({ ...counts }),
  })
}

function requireAlike(kind: 'input' | 'output', pruned: readonly ValueInfo[], dense: readonly ValueInfo[]): void {
  const fail = (seen: string): never => {
    throw new TpError('TP_CASCADE', 'guard', `${seen}; give the model that the pruned one was made from`)
  }
  const names = new Set([...pruned, ...dense].map(({ name }) => name))
  for (const name of names) {
    const [a, b] = [pruned, dense].map((list) => list.find((info) => info.name === name))
    if (a === undefined || b === undefined) {
      throw fail(`only the ${a === undefined ? 'dense' : 'pruned'} model has an ${kind} ${name}`)
    }
    const differs = (dim: number | string, i: number): boolean => {
      const other = b.dims[i]
      return typeof dim === 'number' && typeof other === 'number' && dim !== other
    }
    if (a.type === b.type && a.dims.length === b.dims.length && !a.dims.some(differs)) continue
    fail(`the ${kind} ${name} is ${a.type}[${a.dims}] of the pruned model and ${b.type}[${b.dims}] of the dense one`)
  }
}

/** Every input and output has the batch first, as far as that is declared. */
function requireBatch(values: readonly ValueInfo[]): void {
  const batch = values[0]?.dims[0]
  const without = values.find(
    ({ dims: [first] }) => first === undefined || (typeof first === 'number' && batch !== '' && first !== batch),
  )
  if (without === undefined) return
  const seen = `${without.name} ${without.type}[${without.dims}] has no batch axis in front`
  throw new TpError('TP_CASCADE', 'guard', `${seen}, so that its rows cannot fall back`)
}

function requireRows(values: NamedTensors, rows: number): void {
  const other = Object.entries(values).find(([, { dims }]) => dims[0] !== rows)
  if (other === undefined) return
  const [name, { type, dims }] = other
  const seen = `${name} came as ${type}[${dims}], with ${rows} answers`
  throw new TpError(
    'TP_CASCADE',
    'guard',
    `${seen}; a cascade requires the batch as the first axis of every input and output`,
  )
}
