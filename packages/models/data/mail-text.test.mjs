import { describe, expect, test } from 'vitest'
import { mailText } from './mail-text.mjs'

/** @param {string} body @param {string} [header] */
const mail = (body, header = 'From: a@b.example\nSubject: Hello') => `${header}\n\n${body}`

describe('mailText', () => {
  test('takes the subject and the body, with any line ends', () => {
    expect(mailText('Subject: One\nTo: x\n\nfirst\nsecond\n')).toBe('One . first second')
    expect(mailText('Subject: One\r\nTo: x\r\n\r\nfirst\r\nsecond\r\n')).toBe('One . first second')
    expect(mailText('To: x\n\nno subject')).toBe('. no subject')
  })

  test('joins a folded subject and takes the first of two', () => {
    expect(mailText(mail('body', 'SUBJECT: a long\n\t story\nSubject: other'))).toBe('a long story . body')
  })

  test('does not take a subject from the body', () => {
    expect(mailText('To: x\n\nSubject: quoted')).toBe('. Subject: quoted')
  })

  test('decodes quoted-printable', () => {
    expect(mailText(mail('soft=\nbreak =41=20 =3d'))).toBe('Hello . softbreak A =3d')
  })

  test('drops lines of 60 characters without white space, and no shorter ones', () => {
    expect(mailText(mail(`${'x'.repeat(60)}\n${'y'.repeat(59)}`))).toBe(`Hello . ${'y'.repeat(59)}`)
  })

  test('drops the headers of multi-part mails', () => {
    const body = '--boundary\ncontent-type: text/plain\nMIME-Version: 1\nThis is a multi-part message\nkept'
    expect(mailText(mail(body))).toBe('Hello . kept')
  })

  test('removes markup and what is not shown', () => {
    const body = '<STYLE type=x>p{}</style><script>let a</script>a<!-- not\nshown -->b<p\nclass="x">c'
    expect(mailText(mail(body))).toBe('Hello . a b c')
  })

  test('does not lose text after a stray <', () => {
    const words = 'word '.repeat(300)
    expect(mailText(mail(`<<< ${words} >`))).toContain('word word')
  })

  test('decodes the entities that it knows, and replaces the others with spaces', () => {
    expect(mailText(mail('&lt;a&nbsp;b&gt; &amp; &quot;c&apos; &copy;&reg; &#65; x&hellip;y &#99999999;'))).toBe(
      'Hello . <a b> & "c\' ©® A x y',
    )
  })

  test('replaces control characters, C1 too, with spaces', () => {
    expect(mailText(mail('a\u0000\u0007b\u007f\u0085\u00a0c'))).toBe('Hello . a b c')
  })
})
