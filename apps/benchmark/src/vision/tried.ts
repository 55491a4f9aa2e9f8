import { byLayer, type Method, quasiRandom, random, stride, weighted } from '@tp/core'
import { clsAttention } from '@tp/method-attention'
import { diffrate, pitome, tofu, tome, withMerge } from '@tp/method-hybrid'
import type { Budget } from '../measure/compare.ts'
import { totalFlops } from '../measure/variant.ts'
import { factor, points } from '../output/numbers.ts'
import type { Section } from '../report/section.ts'
import { lossesOf } from './accuracy.ts'
import { type Encoder, encoders, openEncoder } from './encoders.ts'
import { cut, type Setting, settingText } from './settings.ts'

const EXAMPLES = 1000
const once = (layer: number, keep = 0.6): Budget => ({ keep, layers: [layer] })
const mergedThenDropped = byLayer('merge, then drop', new Map([[1, tome()]]), quasiRandom())
const spreadThenAttention = byLayer('spread, then attention', new Map([[0, quasiRandom()]]), clsAttention())
const leastAttention = weighted('least attention', [[clsAttention(), -1]])

const tried: readonly Setting[] = [
  setting(stride(), once(0)),
  setting(stride(), once(0, 0.5)),
  setting(withMerge(quasiRandom()), once(0)),
  setting(tome({ proportionalAttention: false }), { keep: 0.8, layers: [1, 2, 3, 4] }, 'tome, sizes not in attention'),
  setting(tofu(), once(1)),
  setting(pitome(), once(1)),
  setting(diffrate(), once(1)),
  setting(mergedThenDropped, { keep: [0.7, 0.6], layers: [1, 3] }),
  setting(spreadThenAttention, { keep: [0.6, 0.7], layers: [0, 3] }),
  ...[0, 1, 3].flatMap((layer) =>
    [clsAttention(), leastAttention, random()].map((method) => setting(method, once(layer, 0.5))),
  ),
]

function setting(method: Method, budget: Budget, name = method.name): Setting {
  return { candidate: { name, methods: [method] }, budget }
}

/** Scores, merges and schedules that the tables above do without, and attention turned around. */
export const triedSection: Section = {
  name: 'tried',
  title: 'fashion-vit: what else was tried',
  async run(context) {
    const encoder = encoders.find(({ name }) => name === 'fashion-vit') as Encoder
    const subject = await openEncoder(context, { ...encoder, calibration: EXAMPLES }, 'calibration')
    const { losses } = await lossesOf(context, subject, tried)
    const denseFlops = totalFlops(subject.model, subject.lengths)
    const rows = tried.map((setting, i) => ({
      method: setting.candidate.name,
      budget: setting.budget,
      flops: denseFlops / totalFlops(cut(subject, setting).model, subject.lengths),
      loss: losses[i] as (typeof losses)[number],
    }))
    return {
      tables: [
        {
          caption: `Where settings are chosen, ${EXAMPLES} examples; none of it was run on test data`,
          headings: ['method', 'budget', 'FLOPs', 'loss'],
          rows: rows.map(({ method, budget, flops, loss }) => [
            method,
            settingText(budget),
            factor(flops),
            points(loss),
          ]),
        },
      ],
      notes: [],
      values: rows,
    }
  },
}
