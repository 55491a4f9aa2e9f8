import { byLayer, type Method } from '@tp/core'
import { testMethod } from '@tp/core/testing'
import { ats, clsAttention, receivedAttention } from '@tp/method-attention'
import { run } from 'method-tests'
import { evit, methods, tome, withFuse, withMerge } from './index.ts'

const atMost = ['ltmp', 'thin-padding', 'drop-padding']
for (const { name, create } of methods) {
  testMethod(create(), { run, keeps: atMost.includes(name) ? 'at most' : 'as many' })
}
testMethod(
  byLayer(
    'mixed',
    new Map<number, Method>([
      [1, tome()],
      [2, evit()],
    ]),
    receivedAttention(),
  ),
  { run },
)
testMethod(withMerge(receivedAttention({ queries: 4 })), { run })
testMethod(withMerge(ats()), { run, keeps: 'at most' })
testMethod(withFuse(clsAttention()), { run })
