import { afterAll, describe, vi } from 'vitest'
import { addedMethodTests } from './added-method.ts'
import { digitTests } from './digit.ts'
import { listeningTests } from './listening.ts'
import { mailTests } from './mail.ts'
import { ownModelTests } from './own-model.ts'
import { openSite } from './site.ts'
import { soundTests } from './sound.ts'
import { wholePageTests } from './whole-page.ts'

vi.setConfig({ testTimeout: 60_000 })

// One file, so that the page is built once.
const site = await openSite()
afterAll(() => site.close())

describe('the whole page', () => wholePageTests(site))
describe('mails', () => mailTests(site))
describe('digits and images', () => digitTests(site))
describe('listening', () => listeningTests(site))
describe('sounds', () => soundTests(site))
describe('added methods', () => addedMethodTests(site))
describe('models of the user', () => ownModelTests(site))
