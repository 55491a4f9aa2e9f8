/** Mails to begin with, written for this page. A mail is its subject, a full stop, and its text. */
export const exampleMails: readonly { readonly title: string; readonly text: string }[] = [
  {
    title: 'A prize',
    text: `You have been selected . Dear friend, congratulations! Your email address has won a cash prize of $1,500,000 in our international online lottery. To claim your money you only have to reply today with your full name, your address and your bank details. There is no risk and no obligation, and our agents are standing by to help you. This is a limited time offer, so act now and click here to order your free gift. If you do not want to receive these mails any more, click the link below to be removed from our list.`,
  },
  {
    title: 'A colleague',
    text: `Re: build fails on the new machine . Hi Anna, I had another look at the build this morning. The test in the parser still fails for me, but only when the cache is empty, so I think it reads the file before the other thread has written it. Could you try the patch that I have attached and tell me if it works on your side? I am in a meeting until three, after that we can go through it together. By the way, the list of open bugs for the next release is on the wiki now. Thanks, Peter`,
  },
  {
    title: 'A newsletter',
    text: `This week in science . Astronomers have found water vapour in the air of a small planet, says a paper that was published on Tuesday. The team looked at it for two years with the same telescope. Other researchers are not so sure and want to see more data before they believe it. Also in this issue: why the price of memory falls again, and how ants find the shortest way home. You get this mail because you have subscribed to our weekly list.`,
  },
]
