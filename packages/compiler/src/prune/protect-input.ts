import { cast, input } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import type { Encoder } from '../analyze/encoder.ts'
import type { Named, Program } from '../program/program.ts'

/** Name of the input that says which further token is kept. */
const PROTECT = 'tp.protect'

/**
 * One more input of the model, int64 [b,1]: a position in each example whose token is always kept. Written as float [b,1], the
 * form in which positions are compared.
 */
export function protectInput(program: Program, { name, batch }: Encoder): Named {
  const { graph } = program
  if (!graph.has(PROTECT)) graph.addInput(PROTECT, 'int64', [rowsOf(program, name), 1])
  const dims: Dim[] = [batch, 1]
  const position = input(PROTECT, 'int64', dims)
  program.setTensor(PROTECT, position)
  return program.write(cast(position, 'float32'), new Map([[position, PROTECT]]), {
    prefix: 'tp/protect',
    dims: [dims],
  })
}

/** The size of the batch as the model's own input declares it. */
function rowsOf({ graph }: Program, name: string): number | string | undefined {
  const rows = graph.inputs.find((own) => own.name === name)?.dims?.[0]
  return rows === '' ? undefined : rows
}
