import { expect, test } from 'vitest'
import { isRefusal } from './refusal.ts'

const postgres = (code: string): Error => Object.assign(new Error('as it says'), { code, severity: 'FATAL' })
const valkey = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' })

test('a server that is away, starts or ends has not refused', () => {
  const away = [
    ...['57P01', '57P03', '08006', '53300', '40P01', '55P03'].map(postgres),
    ...['LOADING Valkey is loading the dataset in memory', 'READONLY You cannot write', 'TRYAGAIN'].map(valkey),
    Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }),
    new Error('Connection terminated unexpectedly'),
  ]
  expect(away.filter(isRefusal)).toEqual([])
})

test('a server that lets nobody in, or has no room for more, has refused', () => {
  const refused = [
    ...['28P01', '3D000', '42501'].map(postgres),
    ...['NOAUTH Authentication required.', "OOM command not allowed when used memory > 'maxmemory'."].map(valkey),
  ]
  expect(refused.filter((error) => !isRefusal(error))).toEqual([])
})
