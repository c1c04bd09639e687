/** QR codes of a reference, for check-in at the door. The white border keeps them readable in dark mode. */
import encodeQR from 'qr';

const LOOK = { ecc: 'medium', border: 4 } as const;

/** For a page: an `<svg>` element, black on the page's background. */
export const qrSvg = (reference: string): string => encodeQR(reference, 'svg', LOOK);

/** For a mail: a GIF file with four pixels for each module of the code, so that it stays sharp. */
export const qrGif = (reference: string): Buffer =>
  Buffer.from(encodeQR(reference, 'gif', { ...LOOK, scale: 4 }));
