import { axisSize, cast, expand, gatherND, slice, type Tensor, unsqueeze } from '@tp/core'
import type { NodeProto } from '@tp/onnx'
import type { Encoder } from '../analyze/encoder.ts'
import type { Layer } from '../analyze/layer.ts'
import { requireOptions } from '../plan/require-options.ts'
import { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { copyOutput } from '../prune/copy-output.ts'
import { foldOpened } from '../prune/fold.ts'
import { writeLastAttended } from '../prune/start.ts'
import { encodersOf, opened } from './analysis.ts'
import { isUnpacked } from './conditions.ts'
import type { Condition, Subject, Transform } from './transform.ts'

export interface ReadLastTokenOptions {
  /** Name of an output with a state for each token, [batch, tokens, features]. */
  readonly output: string
}

export interface ReadLastTokenReport extends ReadLastTokenOptions {
  readonly transform: 'readLastToken'
}

/**
 * Gives every row of an output [b,n,D] the state of the last attended token, for an embedder whose vectors are pooled outside by that
 * token, such as Qwen3-Embedding. Readers of the last token find the same as before, by whichever index and with padding on either side; and pruning
 * sees a head that reads no other, so that no row has to be restored, and the last layer computes one.
 *
 * Refused: TP_OUTPUT for what is not an output with the states of an encoder's tokens.
 * @example
 * const { model } = transform(dense, readLastToken({ output: 'last_hidden_state' }), prune({ method: none(), schedule: new Map() }))
 */
export function readLastToken(options: ReadLastTokenOptions): Transform<ReadLastTokenReport> {
  requireOptions(options, ['output'])
  const { output } = options
  return {
    name: 'readLastToken',
    requires: [isUnpacked, hasStates(output)],
    ensures: [],
    apply(subject) {
      const { program, expansions } = opened(subject)
      repeatLast(program, encoderWith(subject, output) as Encoder, output)
      foldOpened(program, expansions)
      program.graph.sortTopologically()
      return { model: program.model, report: { transform: 'readLastToken', output } }
    },
  }
}

function hasStates(output: string): Condition {
  return {
    name: `has states of tokens as output ${output}`,
    check(subject) {
      if (encoderWith(subject, output) !== undefined) return
      throw new Refused('TP_OUTPUT', `the output ${output} has no row for each token of an encoder that can be pruned`)
    },
  }
}

function encoderWith(subject: Subject, output: string): Encoder | undefined {
  const encoders = encodersOf(subject).flatMap((found) => ('encoder' in found ? [found.encoder] : []))
  const { rank } = opened(subject).program.tensor(output)
  return rank === 3 ? encoders.find(({ tokenOutputs }) => tokenOutputs.includes(output)) : undefined
}

/** Every row becomes that of the last attended token: x [b,n,D] → [b,n,D]. */
function repeatLast(program: Program, encoder: Encoder, output: string): void {
  const states = copyOutput(program, output)
  const { names, value } = new Operands(program)
  const x = value(states)
  const counted = value(encoder.mask ?? (encoder.layers[0] as Layer).input)
  const row = encoder.mask === undefined ? slice(x, { axis: 1, start: -1 }) : lastAttended(program, encoder, value, x)
  const { dims } = program.tensor(states)
  const repeated = program.write(expand(row, [axisSize(counted, 0), axisSize(counted, 1), axisSize(x, 2)]), names, {
    prefix: `tp/${output}`,
    dims: [dims],
  })
  const copy = program.graph.producer(output) as NodeProto
  program.graph.replaceInput(copy, 0, repeated.name)
}

/** [b,n,D] → [b,1,D] */
function lastAttended(program: Program, encoder: Encoder, value: Operands['value'], x: Tensor): Tensor {
  const { name } = writeLastAttended(program, encoder)
  return unsqueeze(gatherND(x, cast(value(name), 'int64'), 1), [1])
}
