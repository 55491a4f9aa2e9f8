import { expectedTagFigure, plainTag, tagFigure } from '@tp/compare'
import type { TaggedInputs } from '@tp/data'
import { hasTags, IGNORED } from '@tp/data/inputs'
import { type Figure, mean } from '@tp/metrics'
import type { Answers, Losses, TagFigures } from './answers.ts'

/**
 * The losses of a token classifier: by the labels, and by the dense model's probabilities. Where there are no labels these are not calibrated:
 * then half of what the F1 against the dense model's tags is below 1 counts, if that is more.
 */
export function tagLosses(dense: Answers, answers: Answers, inputs: TaggedInputs): Losses {
  const [before, after] = [bySentence(dense, inputs), bySentence(answers, inputs)]
  const common = plainTag(inputs, before)
  const likely = dense.tagLogits && { ...dense.tagLogits, temperature: dense.temperature }
  const targets = inputs.tags.map((tags) => tags.filter((tag) => tag !== IGNORED))
  const labeled = hasTags(inputs) && {
    dense: tagFigure(before, targets, common),
    changed: tagFigure(after, targets, common),
  }
  return lossesOfTags({
    against: tagFigure(after, before, common),
    expected: likely && {
      dense: expectedTagFigure(before, likely, common),
      changed: expectedTagFigure(after, likely, common),
    },
    ...(labeled && { labeled }),
  })
}

/** The losses of several parts of the examples together. */
export function joinedTagLosses(parts: readonly TagFigures[]): Losses {
  const both = (name: 'labeled' | 'expected'): TagFigures['labeled'] => {
    const all = parts.flatMap((part) => part[name] ?? [])
    if (all.length < parts.length) return undefined
    return { dense: joined(all.map(({ dense }) => dense)), changed: joined(all.map(({ changed }) => changed)) }
  }
  return lossesOfTags({
    against: joined(parts.map(({ against }) => against)),
    ...{ expected: both('expected'), labeled: both('labeled') },
  })
}

/** The part of each sentence's words whose tags have changed, in percent. */
export function changedTags(dense: Answers, answers: Answers, inputs: TaggedInputs): number[] {
  const after = bySentence(answers, inputs)
  return bySentence(dense, inputs).map((tags, i) => {
    const changed = tags.filter((tag, word) => tag !== after[i]?.[word]).length
    return tags.length === 0 ? 0 : (100 * changed) / tags.length
  })
}

/** By sentence so that their mean is the loss of the whole: a figure is a ratio, to which each sentence contributes. */
function lossesOfTags(tags: TagFigures): Losses {
  const { against, expected, labeled } = tags
  const whole: Figure = { got: against.of ?? [], of: against.of ?? [], share: true }
  const half = lossBySentence(whole, against).map((loss) => loss / 2)
  const byProbability = expected && lossBySentence(expected.dense, expected.changed)
  return {
    expected: byProbability === undefined || countsHalf(tags) ? half : byProbability,
    labeled: labeled && lossBySentence(labeled.dense, labeled.changed),
    ...{ graded: true, mayGain: true, tags },
  }
}

/** Whether half of the difference to the dense model's tags is the expected loss: see {@link tagLosses}. */
export function countsHalf({ against, expected, labeled }: TagFigures): boolean {
  if (expected === undefined || labeled !== undefined) return expected === undefined
  return (1 - ratioOf(against)) / 2 > ratioOf(expected.dense) - ratioOf(expected.changed)
}

function ratioOf({ got, of = [] }: Figure): number {
  return mean(got) / mean(of)
}

function lossBySentence(first: Figure, second: Figure): number[] {
  const [a, b] = [contributions(first), contributions(second)]
  return a.map((own, i) => 100 * (own - (b[i] as number)))
}

/** Each sentence's part in a ratio, linearized about it; their mean is the ratio. */
function contributions(figure: Figure): number[] {
  const { got, of = [] } = figure
  const [size, ratio] = [mean(of), ratioOf(figure)]
  return got.map((own, i) => ratio + (own - ratio * (of[i] as number)) / size)
}

function joined(figures: readonly Figure[]): Figure {
  return {
    got: figures.flatMap(({ got }) => got),
    of: figures.flatMap(({ of }) => of ?? []),
    share: true,
  }
}

/** The tags of the judged words of each sentence. */
export function bySentence({ logits }: Answers, { tags }: TaggedInputs): Int32Array[] {
  let next = 0
  return tags.map((sentence) =>
    Int32Array.from(
      sentence.filter((tag) => tag !== IGNORED),
      () => logits[next++] as number,
    ),
  )
}
