/** QR codes of a reference, to be read at the door. White around them, so that they can be read in dark mode too. */
import QRCode from 'qrcode';

/** Options of the PNG writer, of which the types of `qrcode` know only some. */
const UNFILTERED: object = { filterType: 0, deflateStrategy: 0, deflateLevel: 6 };
const LOOK = { margin: 4, errorCorrectionLevel: 'M' } as const;

/** For a page: an `<svg>` element. */
export const qrSvg = (reference: string): Promise<string> =>
  QRCode.toString(reference, { ...LOOK, type: 'svg' });

/**
 * For a mail: a PNG file, whose size in pixels is a multiple of the code's so that it stays sharp. Without the filters of
 * PNG, which take most of the time and make black and white hardly smaller.
 */
export const qrPng = (reference: string): Promise<Buffer> =>
  QRCode.toBuffer(reference, { ...LOOK, scale: 6, rendererOpts: UNFILTERED });
