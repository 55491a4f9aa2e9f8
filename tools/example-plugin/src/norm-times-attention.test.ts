import { testMethod } from '@tp/core/testing'
import { normTimesAttention } from './norm-times-attention.ts'

testMethod(normTimesAttention())
testMethod(normTimesAttention({ power: 0.5 }))
