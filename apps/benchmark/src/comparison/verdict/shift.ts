import type { Interval } from '@tp/eval/metrics'
import { listed, pointsText } from './words.ts'

/** Under which shifts a setting loses more than in distribution. */
export function shiftSentence(
  subject: string,
  name: string,
  shifts: readonly { readonly set: string; readonly extra: Interval }[],
): string {
  const worse = shifts.filter(({ extra }) => extra.low > 0)
  const better = shifts.filter(({ extra }) => extra.high < 0)
  const rest = shifts.length - worse.length - better.length
  const text = ({ set, extra }: (typeof shifts)[number]): string => `${set} (${pointsText(extra)} more)`
  const parts = [
    worse.length > 0 && `${name} loses more than in distribution under ${listed(worse.map(text))}`,
    better.length > 0 &&
      `${worse.length > 0 ? 'less' : `${name} loses less than in distribution`} under ${listed(better.map(({ set }) => set))}`,
    worse.length + better.length === 0
      ? `${name} loses no more that can be told than in distribution under any of ${shifts.length} shifts`
      : rest > 0 && `under ${rest} other shift${rest === 1 ? '' : 's'} the difference cannot be told`,
  ].filter((part) => part !== false)
  return `On ${subject}, ${parts.join('; ')}.`
}
