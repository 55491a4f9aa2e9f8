import type { Interval, Speedup } from '@tp/eval/metrics'
import { isWithin } from '../choice.ts'
import { lossWords, pointsText, speedupText, speedWords } from './words.ts'

/** What was chosen on calibration data, with what it did on test data. */
export interface Chosen {
  readonly subject: string
  /** `received-attention, keep 0.3 once, in layer 0` */
  readonly name: string
  /** Points that it was allowed to lose where it was chosen. */
  readonly allowed: number
  /** Over the model without its dead tokens. */
  readonly speedup: Speedup
  readonly loss: Interval
}

/** How fast, at what loss, and whether what was promised is kept. */
export function pruningSentence({ subject, name, allowed, speedup, loss }: Chosen): string {
  const speed = {
    faster: `is ${speedupText(speedup)} as fast as the model without its dead tokens`,
    slower: `is slower than the model without its dead tokens: ${speedupText(speedup)}`,
    undecided: `cannot be told in speed from the model without its dead tokens, ${speedupText(speedup)},`,
  }[speedWords(speedup)]
  return `On ${subject}, ${name} ${speed} and loses ${pointsText(loss)} on test data, ${lossWords(loss)}. ${promise(loss, allowed)}`
}

/** Nothing was within the loss on calibration data. */
export function noPruningSentence(subject: string, allowed: number): string {
  return `On ${subject}, no method without training keeps within ${pointWords(allowed)} on calibration data at any of its budgets.`
}

function promise(loss: Interval, allowed: number): string {
  const asked = `at most ${pointWords(allowed)} on calibration data`
  if (isWithin(loss, allowed)) return `It was chosen for ${asked}, and keeps to it.`
  if (loss.low > allowed) return `It was chosen for ${asked}, and does not keep to it.`
  return `It was chosen for ${asked}; whether it keeps to it cannot be told from so many examples.`
}

function pointWords(points: number): string {
  return `${points} point${points === 1 ? '' : 's'}`
}

/** Against the same budget filled by chance. @param lead points that the method is ahead, paired by example */
export function chanceSentence(name: string, lead: Interval): string {
  if (lead.low > 0) return `${name} is ${pointsText(lead)} ahead of random tokens at the same budget.`
  if (lead.high < 0) return `${name} is ${pointsText(negative(lead))} behind random tokens at the same budget.`
  return `${name} is not told apart from random tokens at the same budget: ${pointsText(lead)} ahead.`
}

/** What has learned, beside what is pruned without training. */
export interface LearnedBeside extends Omit<Chosen, 'allowed'> {
  readonly beside: string
  /** Over that one, in the same rounds. */
  readonly over: Speedup
  /** Points that it is ahead of that one, paired by example. */
  readonly lead: Interval
}

/** How fast what has learned is and what it loses, and what that gains over no training. */
export function learnedSentence({ subject, name, speedup, loss, beside, over, lead }: LearnedBeside): string {
  const speed = `is ${speedupText(speedup)} as fast as the model without its dead tokens`
  const against = `${speedupText(over)} as fast as ${beside}`
  return `On ${subject}, ${name} ${speed} and loses ${pointsText(loss)} on test data, ${lossWords(loss)}: ${against}, ${leadText(lead)}.`
}

function leadText(lead: Interval): string {
  if (lead.low > 0) return `and ${pointsText(lead)} ahead of it`
  if (lead.high < 0) return `but ${pointsText(negative(lead))} behind it`
  return `and not told apart from it in accuracy: ${pointsText(lead)} ahead`
}

function negative({ estimate, low, high }: Interval): Interval {
  return { estimate: -estimate, low: -high, high: -low }
}
