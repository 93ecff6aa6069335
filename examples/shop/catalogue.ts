export interface Good {
  readonly id: string;
  readonly name: string;
  readonly chinese: string;
  /** Whole yuan. */
  readonly price: number;
}

const shelf: readonly Good[] = [
  { id: "flask", name: "Hip flask", chinese: "扁酒壶", price: 168 },
  { id: "mug", name: "Enamel mug", chinese: "搪瓷杯", price: 42 },
  { id: "tea", name: "Tin of tea", chinese: "罐装茶", price: 66 },
  { id: "lantern", name: "Lantern", chinese: "马灯", price: 129 },
  { id: "compass", name: "Compass", chinese: "指南针", price: 88 },
  { id: "blanket", name: "Wool blanket", chinese: "羊毛毯", price: 215 },
  { id: "notebook", name: "Notebook", chinese: "笔记本", price: 28 },
  { id: "matches", name: "Matches", chinese: "火柴", price: 6 },
];

/** Everything the shop sells, by id. */
export const catalogue: ReadonlyMap<string, Good> = new Map(shelf.map((good) => [good.id, good]));
