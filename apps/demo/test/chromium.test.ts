import { afterAll, describe, vi } from 'vitest'
import { addedMethodTests } from './added-method.ts'
import { digitTests } from './digit.ts'
import { imageTests } from './image.ts'
import { listeningTests } from './listening.ts'
import { mailTests } from './mail.ts'
import { ownModelTests } from './own-model.ts'
import { openSite } from './site.ts'
import { tabTests, wholePageTests } from './whole-page.ts'

vi.setConfig({ testTimeout: 60_000 })

// One file and one page, so that everything is built, loaded and compiled once. The first tests need a page that has just been opened.
const site = await openSite()
afterAll(() => site.close())

describe('the whole page', () => wholePageTests(site))
describe('mails', () => mailTests(site))
describe('added methods', () => addedMethodTests(site))
describe('tabs', () => tabTests(site))
describe('digits', () => digitTests(site))
describe('images', () => imageTests(site))
describe('listening', () => listeningTests(site))
describe('models of the user', () => ownModelTests(site))
