"""What runs of harmonize say of labels, in English and Chinese."""

LABELS: dict[str, tuple[str, str]] = {
    "hz.followed": (
        "{n} label followed its image|{n} labels followed their images",
        "{n} 个标注已随图像转换",
    ),
    "hz.labels_left": ("Labels left out, and why", "未转换的标注及原因"),
    "hz.labels": ("Labels", "标注"),
    "label.lost": ("nothing is left of it on the grid of the image", "在图像网格上没有剩余体素"),
    "label.unreadable": ("its file cannot be read", "文件无法读取"),
    "label.not_a_mask": ("it draws no region", "不包含任何区域"),
    "label.pixels": ("its frames cannot be decoded", "帧无法解码"),
    "label.no_geometry": ("nothing says where it lies", "缺少其空间位置"),
    "label.not_orthogonal": (
        "its direction cosines are no perpendicular unit vectors",
        "方向余弦不是相互垂直的单位向量",
    ),
    "label.not_parallel": ("it lies across the slices of its image", "与图像层面不平行"),
    "label.other_frame_of_reference": ("its frame of reference is another one", "参考坐标系不同"),
    "label.off_plane": ("its contours stand between slices", "轮廓位于层面之间"),
    "label.outside": ("it lies outside its image", "位于图像之外"),
    "label.empty": ("it marks nothing", "没有标注任何体素"),
    "label.not_a_region": ("points and open lines enclose nothing", "点和开放线不包围区域"),
    "label.not_numbers": ("its contours are no numbers", "轮廓数据不是数值"),
    "label.too_many": ("it holds more than a label map can", "超出标注图可容纳的数量"),
    "label.no_seg": ("no SEG can be made on images of its class", "该类图像无法生成 SEG"),
    "label.no_reference": ("it names no image", "未指明图像"),
    "label.not_in_catalog": ("the images that it names are not in the catalog", "其指明的图像不在目录中"),
}
