import type { NodeProto } from '@tp/onnx'
import type { Exposed, FittedInput, Restored, Rowwise, Scores } from '../operators/fused/fused-operator.ts'

/** A node that was written out: what stands for it, and where what it read goes in. */
export interface Expansion {
  /** The node as the file had it; it is no longer in the graph. */
  readonly node: NodeProto
  readonly nodes: readonly NodeProto[]
  /** Inputs of each of these nodes as they were written. */
  readonly inputs: ReadonlyMap<NodeProto, readonly string[]>
  /** Where each output of the node that is read comes from, by its index. */
  readonly outputs: ReadonlyMap<number, Source>
  /** Values that come from outside, by name. */
  readonly ports: ReadonlyMap<string, Port>
  readonly exposed: readonly (Exposed & { readonly source: Source })[]
  readonly rowwise: readonly (Rowwise & { readonly source: Source })[]
  readonly scores: (Scores & { readonly source: Source }) | undefined
  readonly fitted: FittedInput | undefined
}

/** A value by the node that computes it: names change. */
export interface Source {
  readonly node: NodeProto
  readonly index: number
}

/** The role of a value from outside for the operator: some of its inputs, or something it makes of them. */
export type Port = { readonly indices: readonly number[] } | { readonly restored: Restored }
