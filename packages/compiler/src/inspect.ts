import type { Dim } from '@tp/core'
import { cloneModel, type Model, opset } from '@tp/onnx'
import { findEncoder } from './encoder.ts'
import { Program, withEqualSizes } from './program.ts'
import { type PruningStep, readProvenance } from './provenance.ts'
import { type Refusal, refusalOf } from './refusal.ts'

/** What was found in a model that tokens can leave. */
export interface Inspection {
  readonly ok: true
  readonly opset: number
  readonly producer: string
  readonly blocks: readonly BlockReport[]
  /** Sizes as the file names them; numbers where they are fixed. */
  readonly batch: Dim
  readonly tokens: Dim
  readonly hidden: number
  readonly heads: number
  /** Input that tells real tokens from padding. */
  readonly mask: string | undefined
  /** Positions that stay whatever their score. */
  readonly fixed: readonly number[]
  readonly classToken: number | undefined
  /** Outputs with one row for every token; what leaves has to be put back for them. */
  readonly tokenOutputs: readonly string[]
  /** Prunings that the file has gone through, oldest first. */
  readonly pruned: readonly PruningStep[]
}

export interface BlockReport {
  readonly block: number
  /** Where tokens may leave, by the name of the value. */
  readonly site: string
  readonly norm: 'pre' | 'post'
  /** Name of the softmax's node. */
  readonly attention: string
}

/** Looks for the encoder in a model; a refusal says why tokens cannot leave. */
export function inspect(model: Model): Inspection | { readonly ok: false; readonly refusal: Refusal } {
  try {
    return withEqualSizes(() => {
      const program = new Program(cloneModel(model))
      const encoder = findEncoder(program)
      const blocks = encoder.blocks.map(({ site, norm, attention }, block) => {
        const softmax = attention.chain.at(-1)
        return { block, site, norm, attention: softmax?.name || attention.probabilities }
      })
      const { batch, tokens, hidden, heads, mask, fixed, classToken, tokenOutputs } = encoder
      const found = { batch, tokens, hidden, heads, mask, fixed, classToken, tokenOutputs, blocks }
      return {
        ok: true,
        opset: opset(model),
        producer: model.proto.producerName,
        ...found,
        pruned: readProvenance(model),
      }
    })
  } catch (error) {
    return { ok: false, refusal: refusalOf(error) }
  }
}
