/** Components of an embedding that count more, or less, where grades are told apart than where strangers are. */
export interface Emphasis {
  readonly from: number;
  /** One past the last. */
  readonly to: number;
  /** Above 0; they are multiplied by it. */
  readonly factor: number;
}
