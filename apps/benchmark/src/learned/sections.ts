import type { Context, Findings, Section } from '../report/section.ts'
import { compareLearned } from './compare-learned.ts'
import { openFashion } from './fashion.ts'
import { fashionMethods, fashionRun, fineTuning, type LearnedName, learnedMethods, runOf } from './methods.ts'
import { openSst2 } from './sst2.ts'
import type { LearnedLine } from './table.ts'
import { forImages, forTexts } from './training-free.ts'

export const half: Section = {
  name: 'sst2-half',
  title: 'minilm-sentiment on SST-2 at half of the FLOPs',
  run: (context) => onSst2(context, 0.5, ['power-bert', 'ltp', 'adapler', 'tr-bert', 'length-adaptive'], [0]),
}

export const predicted: Section = {
  name: 'sst2-predicted',
  title: 'minilm-sentiment on SST-2 at half of the FLOPs, by networks that predict saliency',
  run: (context) => onSst2(context, 0.5, ['sdtp'], [0]),
}

export const third: Section = {
  name: 'sst2-third',
  title: 'minilm-sentiment on SST-2 at 0.35 of the FLOPs, three seeds',
  run: (context) => onSst2(context, 0.35, bestTwo(context), [0, 1, 2], THIRD_EFFORT),
}

/** Trained for so many of the steps, since there are seven trainings. */
const THIRD_EFFORT = 0.6

/** The two learned methods that lost least at half of the FLOPs. */
function bestTwo({ found }: Context): LearnedName[] {
  const lines = (found('sst2-half')?.values as { lines?: LearnedLine[] } | undefined)?.lines ?? []
  const learned = lines.filter(({ name }) => Object.hasOwn(learnedMethods, name))
  return learned
    .sort((a, b) => a.loss.estimate - b.loss.estimate)
    .slice(0, 2)
    .map(({ name }) => name as LearnedName)
}

async function onSst2(
  context: Context,
  share: number,
  names: readonly LearnedName[],
  seeds: readonly number[],
  effort = 1,
): Promise<Findings> {
  const { dev, ...split } = await openSst2(context)
  return compareLearned(context, {
    subject: dev,
    split,
    share,
    trainingFree: forTexts,
    fineTuning: ({ method, layers }) => fineTuning(method, layers, share, effort),
    runs: names.map((name) => ({ name, runs: seeds.map((seed) => runOf(name, share, seed, { effort })) })),
    about: `${dev.lengths.length} sentences of SST-2's dev set`,
  })
}

/** A little more than half: two methods that decide at three of its six layers. */
const FASHION_SHARE = 0.6

export const fashion: Section = {
  name: 'fashion',
  title: 'fashion-vit at 0.6 of the FLOPs, learned on the half that settings are chosen on',
  async run(context) {
    const { test, ...split } = await openFashion(context)
    return compareLearned(context, {
      subject: test,
      split,
      share: FASHION_SHARE,
      trainingFree: forImages,
      fineTuning: ({ method, layers }) => fashionRun('fine-tuned', method, layers, FASHION_SHARE),
      runs: Object.entries(fashionMethods).map(([name, { method, layers }]) => ({
        name,
        runs: [fashionRun(name, method, layers, FASHION_SHARE)],
      })),
      about: `${test.lengths.length} images of clothing`,
    })
  },
}
