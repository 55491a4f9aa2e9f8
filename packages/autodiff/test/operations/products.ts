import { einsum, gemm, matmul } from '@tp/core'
import fc from 'fast-check'
import { broadcasting, type Drawn, op, shape } from './draw.ts'

const matrices = fc
  .tuple(broadcasting(2, shape(0, 2)), shape(3, 3))
  .map(([[left = [], right = []], [m = 1, k = 1, n = 1]]) => [
    [...left, m, k],
    [...right, k, n],
  ])

/** A vector on the left, on the right, on both sides. */
function vectors(a: number[], b: number[]): fc.Arbitrary<number[][]> {
  const vector = a.slice(-1)
  return fc.constantFrom([vector, b], [a, vector], [vector, vector])
}

/** Letters of the sizes below. */
const equations = [
  'bnd,bmd->bnm',
  'bhnd,bhmd->bhnm',
  'ij,jk,k->i',
  'bhld,lrd->bhlr',
  'ab,c->abc',
  'nd,nd->',
  'nd->dn',
] as const

export const products: readonly Drawn[] = [
  { name: 'MatMul', operation: matrices.map((shapes) => ({ shapes, of: matmul })) },
  {
    name: 'MatMul',
    form: 'vectors',
    operation: matrices.chain(([a = [], b = []]) => vectors(a, b)).map((shapes) => ({ shapes, of: matmul })),
  },
  {
    name: 'Gemm',
    operation: fc
      .tuple(shape(3, 3), fc.constantFrom(0, 1), fc.constantFrom(0, 1), fc.constantFrom(1, 0.5), fc.nat(3))
      .map(([[m = 1, k = 1, n = 1], transA, transB, alpha, bias]) => ({
        shapes: [transA ? [k, m] : [m, k], transB ? [n, k] : [k, n], [[n], [m, 1], [1], [m, n]][bias] as number[]],
        of: (a, b, c) => op('Gemm', [a, b, c], { alpha, beta: 2 * alpha, transA, transB }),
      })),
  },
  {
    name: 'Gemm',
    form: 'without a bias',
    operation: shape(3, 3).map(([m = 1, k = 1, n = 1]) => ({
      shapes: [
        [m, k],
        [n, k],
      ],
      of: (a, b) => gemm(a, b, undefined, true),
    })),
  },
  {
    name: 'Einsum',
    operation: fc.tuple(fc.constantFrom(...equations), shape(12, 12)).map(([equation, sizes]) => ({
      shapes: (equation.split('->')[0] as string)
        .split(',')
        .map((term) => Array.from(term, (letter) => sizes['abcdhijklmnr'.indexOf(letter)] as number)),
      of: (...parts) => einsum(equation, ...parts),
    })),
  },
]
