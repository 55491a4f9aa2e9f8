import { commonTag, tagFigure } from '@tp/compare'
import type { TaggedInputs } from '@tp/data'
import { hasTags, IGNORED } from '@tp/data/inputs'
import { type Figure, mean } from '@tp/metrics'
import type { Answers, Losses, TagFigures } from './answers.ts'

/** The losses of a token classifier. Of tags that change half is expected to be lost: nothing says which of the two is right. */
export function tagLosses(dense: Answers, answers: Answers, inputs: TaggedInputs): Losses {
  const [before, after] = [bySentence(dense, inputs), bySentence(answers, inputs)]
  const common = commonTag(before)
  const targets = inputs.tags.map((tags) => tags.filter((tag) => tag !== IGNORED))
  const labeled = hasTags(inputs) && {
    dense: tagFigure(before, targets, common),
    changed: tagFigure(after, targets, common),
  }
  return lossesOfTags({ against: tagFigure(after, before, common), ...(labeled && { labeled }) })
}

/** The losses of several parts of the examples together. */
export function joinedTagLosses(parts: readonly TagFigures[]): Losses {
  const labeled = parts.flatMap((part) => part.labeled ?? [])
  return lossesOfTags({
    against: joined(parts.map(({ against }) => against)),
    ...(labeled.length === parts.length && {
      labeled: { dense: joined(labeled.map(({ dense }) => dense)), changed: joined(labeled.map((own) => own.changed)) },
    }),
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
  const { against, labeled } = tags
  const whole: Figure = { got: against.of ?? [], of: against.of ?? [], share: true }
  return {
    expected: lossBySentence(whole, against).map((loss) => loss / 2),
    labeled: labeled && lossBySentence(labeled.dense, labeled.changed),
    ...{ graded: true, tags },
  }
}

function lossBySentence(first: Figure, second: Figure): number[] {
  const [a, b] = [contributions(first), contributions(second)]
  return a.map((own, i) => 100 * (own - (b[i] as number)))
}

/** Each sentence's part in a ratio, linearized about it; their mean is the ratio. */
function contributions({ got, of = [] }: Figure): number[] {
  const size = mean(of)
  const ratio = mean(got) / size
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
function bySentence({ logits }: Answers, { tags }: TaggedInputs): Int32Array[] {
  let next = 0
  return tags.map((sentence) =>
    Int32Array.from(
      sentence.filter((tag) => tag !== IGNORED),
      () => logits[next++] as number,
    ),
  )
}
