import { type QuantizedComparison, relativeDistance, requireFinite, requireFiniteDense } from '@tp/compare'
import type { TensorLike } from '@tp/core/runtime'
import { boundedProcess, boundsFor } from '@tp/runtime-node/bounded'
import { sizeOfFiles } from '../model/model-file.ts'
import { type DecoderFiles, generating, lastRows, lastTokens, type Prompts, trialsOf } from './verify-last-logits.ts'

type Distances = QuantizedComparison['distances']

/**
 * Runs a decoder and one whose numbers are rounded side by side: on a prompt of random tokens and two tokens after it, each with the caches
 * that it has returned itself; and on two prompts of unequal lengths, padded on either side.
 * @returns by arrangement, the largest distance of the last logits, as a share of their size (2-norms)
 * @throws TpError TP_VERIFY for logits that are not finite, TP_DENSE for those of the decoder itself, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function decoderDistances({ file, path, decoder, signal }: DecoderFiles): Promise<Distances> {
  const options = { bounds: boundsFor(await sizeOfFiles(file)) } as const
  await using process = boundedProcess(signal)
  await using dense = await process.load(file.path, options)
  await using changed = await process.load(path, options)
  const distances: Distances = {}
  for (const prompts of trialsOf(file, decoder)) {
    const arrangement = arrangementOf(prompts)
    const after = generating(changed, file, decoder, prompts, signal)
    // Only those of a prompt have rows of padding.
    let ends: number[] | undefined = lastTokens(prompts)
    for await (const before of generating(dense, file, decoder, prompts, signal)) {
      const { value: answer } = await after.next()
      const [expected, actual] = [before, answer ?? {}].map((outputs) =>
        lastRows(outputs[decoder.logits] as TensorLike, ends),
      ) as [TensorLike, TensorLike]
      requireFiniteDense({ [decoder.logits]: expected })
      requireFinite({ [decoder.logits]: actual })
      distances[arrangement] = Math.max(distances[arrangement] ?? 0, relativeDistance(actual, expected))
      ends = undefined
    }
  }
  return distances
}

function arrangementOf({ lengths, padded }: Prompts): keyof Distances {
  if (lengths.length === 1) return 'alone'
  return new Set(lengths).size === 1 ? 'in a batch' : `padded ${padded}`
}
