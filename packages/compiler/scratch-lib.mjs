import { mean, scorer } from '@tp/core'
export const cls = scorer({ name: 'cls', family: 'attention', score: (s) => mean(s.clsAttention, 1) })
export const received = scorer({ name: 'received', family: 'attention', score: (s) => s.received })
