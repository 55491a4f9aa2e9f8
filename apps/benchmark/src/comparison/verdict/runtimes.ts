import type { Speedup } from '@tp/eval/metrics'
import { speedupText, speedWords } from './words.ts'

/** The same file at one shape in two runtimes. Both over the model without its dead tokens there. */
export function runtimeSentence(name: string, shape: string, node: Speedup, wasm: Speedup): string {
  const both = `${speedupText(node)} in Node and ${speedupText(wasm)} in wasm`
  if (node.low > wasm.high) return `At ${shape}, ${name} gains more in Node than in a browser: ${both}.`
  if (wasm.low > node.high) return `At ${shape}, ${name} gains more in a browser than in Node: ${both}.`
  return `At ${shape}, what ${name} gains in Node and in a browser is not told apart: ${both}.`
}

/** What onnxruntime's own rewriting of the graph gains, and whether pruning still gains on top of it. */
export function optimisationSentence(rewriting: Speedup, pruning: Speedup): string {
  const gain = {
    faster: `gains ${speedupText(rewriting)}`,
    slower: `costs time, ${speedupText(rewriting)}`,
    undecided: `gains nothing that can be told, ${speedupText(rewriting)}`,
  }[speedWords(rewriting)]
  const rest = {
    faster: `pruning gains ${speedupText(pruning)} on top of it`,
    slower: `on top of it pruning costs time, ${speedupText(pruning)}`,
    undecided: `what pruning gains on top of it cannot be told, ${speedupText(pruning)}`,
  }[speedWords(pruning)]
  return `onnxruntime's own rewriting of the graph ${gain}; ${rest}.`
}
