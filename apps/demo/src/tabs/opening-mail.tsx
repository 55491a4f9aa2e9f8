import type { JSX } from 'preact'
import { exampleMails } from '../inputs/text/example-mails.ts'
import { textInAddress } from '../page/address.ts'
import { OpeningRace } from '../views/race/opening-race.tsx'

/** That of the address, or the first example. */
export const openingText: string = textInAddress('mail') ?? exampleMails[0]?.text ?? ''

/** The tab of mails while its code and its model are loading. */
export function OpeningMail(): JSX.Element {
  return <OpeningRace text={openingText} />
}
