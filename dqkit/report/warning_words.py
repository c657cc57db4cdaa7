"""What manifests warn of, in Chinese: the sentences of harmonize, as they stand there."""

from dqkit.report.words import Pair

_CHINESE = {
    "no attribute tells the volumes of the series apart: their order was inferred": (
        "没有属性可区分序列中的各体数据：其顺序为推断所得"
    ),
    "nothing says one time from volume to volume, or some are missing: the file says none": (
        "缺少统一的时间间隔，或缺少部分时间点：文件中未写明"
    ),
    "the series holds images that nothing places: they are in no volume": "序列中有无法定位的图像：未进入任何体数据",
    "nothing says that its values are Hounsfield units": "没有信息表明其数值为 HU",
    "nothing says how thick the single slice is: 1 mm was taken": "缺少单层厚度：按 1 mm 处理",
    "slices were interpolated where they are missing or not evenly spaced": "在缺层或间距不均处对层面作了插值",
    "the slices are tilted and left so: the affine is sheared, and no quaternion can hold it": (
        "层面倾斜且予以保留：仿射含剪切，四元数无法表示"
    ),
    "Estimated Radiographic Magnification Factor is no magnification and was not used": "放大系数无效，未使用",
    "nothing says which way the image lies: rows were taken to run to the left and columns to the back": (
        "缺少图像方位：假定行向左、列向后"
    ),
    "nothing says which way the image lies: it was left so": "缺少图像方位：保持原样",
    "nothing says which way the image lies: the chest wall was found in the pixels, up and down are not known": (
        "缺少图像方位：胸壁由像素判定，上下未知"
    ),
    "the breast lies at the other side than Patient Orientation says": "乳腺所在一侧与 Patient Orientation 不符",
    "the image has no window and no VOI LUT: the range of its values was taken": (
        "图像无窗宽窗位或 VOI LUT：采用其数值范围"
    ),
    "white_stripe looked at the whole head: without a mask of the brain, fat can pass for white matter": (
        "white_stripe 使用了整个头部：没有脑掩膜时，脂肪可能被当作白质"
    ),
    "nothing says how large a pixel is: it counts as 1": "缺少像素大小：按 1 处理",
    "no foreground was found: nothing was cut away": "未找到前景：未裁剪",
    "no circle of a fundus camera was found: nothing was cut away": "未找到眼底圆形视野：未裁剪",
    "b-values without gradient directions: a volume is weighted in no single known direction": (
        "仅有 b 值，无梯度方向：有体数据没有唯一已知的加权方向"
    ),
    "b-values without gradient directions: the axes of the image are sheared": (
        "仅有 b 值，无梯度方向：图像各轴存在剪切"
    ),
    "no table of diffusion gradients: volumes differ in their echo too": "无扩散梯度表：各体数据的回波也不同",
    "no table of diffusion gradients: a volume does not say how it was weighted": (
        "无扩散梯度表：有体数据未说明其扩散加权"
    ),
    "no table of diffusion gradients: slices of one volume say different b-values or directions": (
        "无扩散梯度表：同一体数据的各层给出的 b 值或方向不一致"
    ),
}


def warning(text: str) -> Pair:
    """Return a sentence of a manifest in every language; one that is not known here stays English."""
    return {"en": text, "zh": _CHINESE.get(text, text)}
