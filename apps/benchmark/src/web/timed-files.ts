import { clsAttention, receivedAttention } from '@tp/method-attention'
import { scheduleOf } from '../measure/compare.ts'
import type { Subject } from '../measure/subject.ts'
import { dense, pruned, withoutDeadTokens } from '../measure/variant.ts'

/** What is timed in Chromium, and by what accuracy it is bought; `none` is what the others are compared with. */
export function timedFiles(subject: Subject): Record<string, Uint8Array> {
  const at = (keep: number, layers = [1, 2, 3, 4, 5]) => scheduleOf(subject, { keep, layers })
  return {
    none: withoutDeadTokens(subject).file,
    dense: dense(subject).file,
    'received-attention 0.7': pruned(subject, receivedAttention(), at(0.7)).file,
    'received-attention 0.7, layer 0 too': pruned(subject, receivedAttention(), at(0.7, [0, 1, 2, 3, 4, 5])).file,
    'received-attention 0.5': pruned(subject, receivedAttention(), at(0.5)).file,
    'cls-attention 0.7': pruned(subject, clsAttention(), at(0.7)).file,
  }
}
