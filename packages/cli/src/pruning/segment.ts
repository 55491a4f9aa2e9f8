import { inspect, type PruneOptions } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { loadTokenizer, readModelFolder } from '@tp/data'

type Segment = Pick<PruneOptions, 'protectSegment' | 'separator'>

/**
 * The segment that is to be protected. Where the model has no numbers of segments and no separator is named, it is the one that
 * the tokenizer next to the model puts between two texts.
 */
export async function segmentOf(
  { path, model }: ModelFile,
  { protectSegment, separator }: { readonly [Name in keyof Segment]: Segment[Name] | undefined },
): Promise<Segment> {
  const segment = {
    ...(protectSegment !== undefined && { protectSegment }),
    ...(separator !== undefined && { separator }),
  }
  if (protectSegment === undefined || separator !== undefined) return segment
  const found = inspect(model)
  const { tokenizer } = await readModelFolder(path)
  if (!found.ok || found.segments !== undefined || tokenizer === undefined) return segment
  const known = (await loadTokenizer(tokenizer)).pairSeparator()
  return { ...segment, ...(known !== undefined && { separator: known }) }
}
