import { pairedSpeedup } from '@tp/eval/metrics'
import { behind } from '../../measure/compare.ts'
import { shapeText } from '../../measure/shapes.ts'
import type { Row } from '../analysis/rows.ts'
import { shareRight } from '../choice.ts'
import { MAIN_METHOD, type SubjectPlan, USUAL_LOSS } from '../plan.ts'
import { isControl, settingKey, settingText } from '../setting.ts'
import { breakEvenSentence } from '../verdict/lengths.ts'
import { peersSentence, togetherSentence } from '../verdict/peers.ts'
import { chanceSentence, learnedSentence, noPruningSentence, pruningSentence } from '../verdict/pruning.ts'
import { optimisationSentence, runtimeSentence } from '../verdict/runtimes.ts'
import { shiftSentence } from '../verdict/shift.ts'
import { gridTimes } from './grid.ts'
import { type Reported, reported } from './peers.ts'
import { shiftedLosses } from './shift.ts'

/** What the numbers of a subject say, in sentences that their intervals decide. */
export function verdicts(plan: SubjectPlan, rows: readonly Row[]): string[] {
  return [...choiceVerdicts(plan, rows), ...shiftVerdict(plan), ...lengthVerdicts(plan), ...runtimeVerdicts(plan)]
}

function choiceVerdicts(plan: SubjectPlan, rows: readonly Row[]): string[] {
  if (plan.split === 'test' || rows.length === 0) return []
  const subject = plan.form.name
  const chosen = reported(plan, rows, USUAL_LOSS)
  const pruning = chosen.find(({ ladder }) => ladder.group === 'pruning')
  const isTimed = plan.chosenCells().every((cell) => plan.timesOf(cell) !== undefined)
  if (pruning === undefined) return isTimed && chosen.length > 0 ? [noPruningSentence(subject, USUAL_LOSS)] : []
  const nameOf = ({ ladder, setting }: Reported): string => `${ladder.name}, ${settingText(setting)},`
  const { tested: speedup, row, setting } = pruning
  const between = (first: Reported, second: Reported) => overPeer(plan, first, second)
  const peers = chosen.map((one) => ({ name: one.ladder.group, speedup: one.tested, loss: one.row.loss, one }))
  const [int8, both] = ['int8', 'int8 + pruning'].map((group) => chosen.find(({ ladder }) => ladder.group === group))
  return [
    pruningSentence({ subject, name: nameOf(pruning), allowed: USUAL_LOSS, speedup, loss: row.loss }),
    ...chanceVerdict(plan, pruning.ladder.name, setting),
    ...learnedVerdict(plan, chosen, pruning, nameOf),
    peersSentence(subject, USUAL_LOSS, peers, (first, second) =>
      between((first as (typeof peers)[number]).one, (second as (typeof peers)[number]).one),
    ),
    ...(int8 && both ? [togetherSentence(subject, between(both, int8))] : []),
  ]
}

/** How many times faster one that was chosen is than another, from the same rounds. */
function overPeer(plan: SubjectPlan, first: Reported, second: Reported) {
  const cell = plan.chosenCells().find(({ name }) => name === `within-${USUAL_LOSS}`)
  const rounds = ({ setting }: Reported): readonly number[] => {
    const index = cell?.entrants.findIndex((entrant) => settingKey(entrant.setting) === settingKey(setting)) ?? -1
    return (cell && plan.timesOf(cell)?.entrants[index]?.roundsMs) ?? []
  }
  return pairedSpeedup(rounds(second), rounds(first))
}

function chanceVerdict(plan: SubjectPlan, name: string, setting: Row['setting']): string[] {
  const chance = plan.ladders.find(({ group }) => group === 'random')
  const own =
    plan.ladders.find((ladder) => ladder.settings.includes(setting)) ??
    plan.ladders.find((ladder) => ladder.name === name)
  if (chance === undefined || own === undefined || setting.kind !== 'pruned') return []
  const random = plan.answers(chance, { ...setting, method: 'random' }, 'test')
  const answers = plan.answers(own, setting, 'test')
  return random && answers ? [chanceSentence(name, behind(shareRight(answers), shareRight(random)))] : []
}

function learnedVerdict(
  plan: SubjectPlan,
  chosen: readonly Reported[],
  pruning: Reported,
  nameOf: (one: Reported) => string,
): string[] {
  const learned = chosen.find(({ ladder }) => ladder.group === 'learned')
  const answersOf = ({ ladder, setting }: Reported) => plan.answers(ladder, setting, 'test')
  const [own, other] = [learned && answersOf(learned), answersOf(pruning)]
  if (learned === undefined || own === undefined || other === undefined) return []
  const sentence = learnedSentence({
    subject: plan.form.name,
    name: nameOf(learned),
    speedup: learned.tested,
    loss: learned.row.loss,
    beside: pruning.ladder.name,
    over: overPeer(plan, learned, pruning),
    lead: behind(shareRight(own), shareRight(other)),
  })
  return [sentence]
}

/** Of the first family's best, and of all that has learned. */
function shiftVerdict(plan: SubjectPlan): string[] {
  const all = shiftedLosses(plan)
  const first = all.find(({ setting }) => setting.kind === 'pruned' && !isControl(setting))
  const learned = all.filter(({ setting }) => setting.kind === 'learned')
  const names = new Set([...(first ? [first] : []), ...learned].map(({ name }) => name))
  return [...names].flatMap((name) => {
    const [, ...shifts] = all.filter((one) => one.name === name && !one.unchanged)
    return shifts.length === 0 ? [] : [shiftSentence(plan.form.name, name, shifts)]
  })
}

function lengthVerdicts(plan: SubjectPlan): string[] {
  const times = gridTimes(plan).filter(
    ({ setting }) => setting.kind === 'pruned' && setting.method === MAIN_METHOD && !setting.int8,
  )
  const lengths = new Set(times.map(({ tokens }) => tokens))
  if (lengths.size < 2) return []
  const [name] = times.map((one) => one.name)
  const batches = [...new Set(times.map(({ batch }) => batch))]
  return batches.map((batch) => {
    const own = times.filter((one) => one.name === name && one.batch === batch)
    return breakEvenSentence(name as string, batch, own)
  })
}

function runtimeVerdicts(plan: SubjectPlan): string[] {
  const node = gridTimes(plan)
  const sentences = gridTimes(plan, plan.webCells()).flatMap((web) => {
    const { name, batch, tokens, setting } = web
    if (setting.kind !== 'pruned' || setting.method !== MAIN_METHOD) return []
    const other = node.find((one) => one.name === name && one.batch === batch && one.tokens === tokens)
    return other ? [runtimeSentence(name, shapeText({ batch, tokens }), other.speedup, web.speedup)] : []
  })
  return [...sentences.slice(0, 1), ...optimisationVerdict(plan)]
}

function optimisationVerdict(plan: SubjectPlan): string[] {
  const [cell] = plan.optimisationCells()
  if (cell === undefined) return []
  const [none, main] = cell.entrants.filter(({ optimisation }) => optimisation === undefined)
  const times = plan.timesOf(cell)
  const bare = cell.entrants.findIndex(({ optimisation }) => optimisation === 'disabled')
  const pruned = main && plan.speedupOf(cell, main.setting)
  if (times === undefined || none === undefined || pruned === undefined) return []
  const gained = pairedSpeedup(times.entrants[bare]?.roundsMs ?? [], times.entrants[0]?.roundsMs ?? [])
  return [optimisationSentence(gained, pruned)]
}
