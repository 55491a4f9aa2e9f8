import type { Tensor } from '@tp/core'
import type { NodeProto } from 'onnx-buf'
import type { Graph } from '../graph/graph.ts'

/** Where expressions are written to. */
export interface EmitTarget {
  readonly graph: Graph
  /** Opset of the default domain whose forms are written. */
  readonly opset: number
  /** Values of the graph that tensors of the expression stand for; every placeholder needs one. */
  readonly names: ReadonlyMap<Tensor, string>
  /**
   * Placeholders with the type and shape that their values really have in the graph (`Lifted.tensor`). Then
   * arithmetic on sizes that are numbers here becomes constants.
   */
  readonly actual?: ReadonlyMap<Tensor, Tensor>
  /** Names of new values begin with it: `tp/layer_3`. */
  readonly prefix: string
  /** The new nodes come before this one; default: at the end. */
  readonly before?: NodeProto
  /** The graph whose initializers hold the constants; default: the graph's own. Up to IR 3 those of a body would be its inputs. */
  readonly constants?: Graph
}
