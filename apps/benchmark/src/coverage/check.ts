import { inspect, prune, type Refusal, transform, whyRefused } from '@tp/compiler'
import { isTpError, schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import type { Model } from '@tp/onnx'
import { type Fixture, openFixture } from 'exported-encoders'
import { checkGoldens, type GoldenRun } from './goldens.ts'
import { checkHiddenKeys } from './hidden-keys.ts'
import { checkHidden, checkKeepAll } from './nothing-lost.ts'
import { isRightReason } from './reasons.ts'
import { checkSibling, type SiblingReport } from './sibling.ts'

/** The findings of a run about one fixture. */
export interface FixtureReport {
  readonly fixture: Fixture
  /** Layers whose tokens can be pruned. */
  readonly sites?: number
  /** Largest difference to the dense outputs when every token is kept by force, at every layer. */
  readonly keepAll?: number
  /** The same when exactly the tokens that the mask hides are pruned. */
  readonly hidden?: number | undefined
  /** Largest difference between dropping tokens and hiding them from later layers. */
  readonly hiddenKeys?: number | undefined
  readonly goldens?: readonly GoldenRun[]
  readonly sibling?: SiblingReport | undefined
  readonly refusal?: { readonly code: string; readonly message: string }
  /** The faults, in sentences; empty if there are none. */
  readonly problems: readonly string[]
}

/** Prunes a fixture in every way that has an answer to compare with. */
export async function checkFixture(fixture: Fixture): Promise<FixtureReport> {
  try {
    const model = openFixture(fixture)
    const seen = inspect(model)
    if (!seen.ok) return { fixture, refusal: seen.refusal, problems: problemsOfRefusal(fixture, model, seen.refusal) }
    const problems: string[] = []
    const { facts } = fixture
    if (!facts.prunable) problems.push(`is not refused although ${facts.refusal}`)
    if (seen.layers.length !== facts.layers) problems.push(`${seen.layers.length} sites in ${facts.layers} layers`)
    const keepAll = await checkKeepAll(fixture, model, seen)
    const hidden = await checkHidden(fixture, model, seen)
    const hiddenKeys = await checkHiddenKeys(fixture, model, seen)
    const goldens = await checkGoldens(fixture, model)
    const sibling = await checkSibling(fixture, model)
    for (const found of [keepAll, hidden, hiddenKeys, sibling]) problems.push(...(found?.problems ?? []))
    for (const { name, problem } of goldens) if (problem !== undefined) problems.push(`golden ${name} ${problem}`)
    return {
      fixture,
      sites: seen.layers.length,
      keepAll: keepAll.difference,
      hidden: hidden?.difference,
      hiddenKeys: hiddenKeys?.difference,
      goldens,
      sibling,
      problems,
    }
  } catch (error) {
    // One fixture that fails must not hide what the others do.
    const what = isTpError(error) ? error.message : error instanceof Error ? (error.stack ?? error.message) : `${error}`
    return { fixture, problems: [what] }
  }
}

function problemsOfRefusal({ facts }: Fixture, model: Model, { code, message }: Refusal): string[] {
  const options = { method: receivedAttention(), schedule: schedule(facts.layers, { keep: 0.5 }) }
  if (whyRefused(() => transform(model, prune(options)))?.code !== code)
    return [`is refused by inspect alone: ${message}`]
  if (facts.prunable) return facts.refusalAcceptable === undefined ? [`is refused: ${message}`] : []
  return isRightReason(message, facts.refusal ?? '') ? [] : [`is refused for another reason than: ${facts.refusal}`]
}
